/* The parts of `kerf ask`: what is sent, and what is shown of the reply. */
#ifndef KERF_CLI_ASK_H
#define KERF_CLI_ASK_H

#include "base/json.h"
#include "base/json_write.h"
#include "planner/cli/scene.h"

/* Writes the members of a plan's request (without the braces' "v", "id" and "op") for the network,
 * as the options state it. Reports what is wrong. */
cli_exit cli_ask_question(const cli_settings *settings, const char *network, kerf_writer *w);
/* The "link" of it, if the options state one. */
cli_exit cli_ask_link(const cli_settings *settings, kerf_writer *w);
/* What a device observed: "uplink", "downlink", "rtt", "latency", "energy", "link". */
void cli_ask_observation(const cli_settings *settings, kerf_writer *w);

/* A plan that came as JSON, as far as a table shows it. Texts belong to the document. */
typedef struct ask_view {
    kerf_json_doc *doc;
    kerf_network network;
    kerf_device device, server;
    kerf_link link;
    kerf_plan plan;
    cli_scene scene; /* points to the above */
} ask_view;

kerf_status cli_ask_view(const char *json, ask_view *view, kerf_error *err);
void cli_ask_view_clear(ask_view *view);

/* Any reply as lines "key  value" for people. */
void cli_ask_print_lines(const kerf_json *value);

#endif
