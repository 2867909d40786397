/* The options there are, by section. */
#ifndef KERF_CLI_SETTINGS_H
#define KERF_CLI_SETTINGS_H

#include "planner/cli/options.h"

extern const cli_section cli_section_scene, cli_section_tiers, cli_section_board, cli_section_link,
    cli_section_goal, cli_section_wire, cli_section_shape, cli_section_search,
    cli_section_plan_output, cli_section_table_output, cli_section_split, cli_section_split_output,
    cli_section_serve, cli_section_capacity, cli_section_devices_view, cli_section_serve_output;

#endif
