/* The options there are, by section. */
#ifndef KERF_CLI_SETTINGS_H
#define KERF_CLI_SETTINGS_H

#include "planner/cli/options.h"

extern const cli_section cli_section_scene;
extern const cli_section cli_section_tiers;
extern const cli_section cli_section_front;
extern const cli_section cli_section_board;
extern const cli_section cli_section_link;
extern const cli_section cli_section_goal;
extern const cli_section cli_section_wire;
extern const cli_section cli_section_shape;
extern const cli_section cli_section_robust;
extern const cli_section cli_section_search;
extern const cli_section cli_section_plan_output;
extern const cli_section cli_section_map;
extern const cli_section cli_section_map_output;
extern const cli_section cli_section_table_output;
extern const cli_section cli_section_split;
extern const cli_section cli_section_split_output;
extern const cli_section cli_section_serve;
extern const cli_section cli_section_keygen;
extern const cli_section cli_section_capacity;
extern const cli_section cli_section_devices_view;
extern const cli_section cli_section_serve_output;
extern const cli_section cli_section_measure;
extern const cli_section cli_section_measure_output;
extern const cli_section cli_section_import;
extern const cli_section cli_section_import_output;
extern const cli_section cli_section_ask;
extern const cli_section cli_section_ask_scene;
extern const cli_section cli_section_ask_device;
extern const cli_section cli_section_ask_output;
extern const cli_section cli_section_simulate;
extern const cli_section cli_section_simulate_output;
extern const cli_section cli_section_rows;
extern const cli_section cli_section_fit;
extern const cli_section cli_section_profile;
extern const cli_section cli_section_calibrate_output;

#endif
