/* Options as data: each is one row, from which parsing, errors and --help all come, so that they
 * cannot drift apart. getopt_long does the splitting underneath. */
#ifndef KERF_CLI_OPTIONS_H
#define KERF_CLI_OPTIONS_H

#include "planner/cli/output.h"

#include <math.h>

typedef struct cli_settings cli_settings;
typedef struct cli_option cli_option;

/* Parses text (NULL for a flag) into the option's field. On failure reports and returns false. */
typedef bool cli_parse(const cli_option *option, const char *text, void *field);

typedef struct cli_choice {
    const char *word;
    int value;
} cli_choice;

struct cli_option {
    const char *name;     /* without the dashes */
    const char *argument; /* as help shows it; NULL for a flag */
    const char *help;
    cli_parse *parse;
    size_t field; /* offset in cli_settings */
    kerf_quantity quantity;
    bool positive;             /* zero is refused too */
    const cli_choice *choices; /* ends with word NULL */
    char letter;               /* short form, or 0 */
};

/* Options that belong together, under one heading of the help. */
typedef struct cli_section {
    const char *heading;
    const cli_option *options; /* ends with name NULL */
} cli_section;

typedef struct cli_command {
    const char *name;
    cli_exit (*run)(const cli_settings *settings);
    const char *summary;   /* one line, for kerf --help */
    const char *arguments; /* "NETWORK": exactly one is expected; "": none is */
    const char *description;
    const cli_section *const *sections; /* ends with NULL */
    const char *const *examples;        /* ends with NULL */
    bool optional;                      /* the argument may be left out */
    bool many;                          /* any number of arguments may follow the first */
} cli_command;

/* Words given to a repeatable option, in order. They point into argv. */
typedef struct cli_list {
    const char **items;
    size_t n;
} cli_list;

/* Everything that options can say. A number that was not given is NAN, a word NULL. */
struct cli_settings {
    const char *argument; /* NETWORK, or the kind to list; the first member: cli_parse_objective's
                             row points at it to reach the whole. NULL: left out */
    cli_list arguments;   /* all of them, the first included */
    const char *device, *server, *link;
    const char *device_profile, *server_profile, *power_mode;
    const char *cloud, *cloud_link, *cloud_profile;
    double cloud_load;
    bool pareto;
    double uplink_bps, downlink_bps, rtt_s, loss, gap_s, server_load;
    int connection; /* kerf_connection, or -1 */
    kerf_objective objective;
    double weight_energy, weight_latency;
    kerf_limits limits;
    int64_t min_device_operators;
    cli_list pins, dims, inputs;
    const char *wire_name; /* as it was given: a type's name, an encoding's, or "any" */
    int wire;              /* kerf_wire, where it names one */
    const char *variants;
    double input_bytes;
    int result; /* kerf_tier: the server is the edge */
    int64_t batch;
    int solver; /* kerf_solver */
    double time_limit_s;
    int64_t top;
    const char *plot;
    bool json, csv, quiet, help;
    /* split */
    const char *second; /* --check: the tail's file, after the head's in `argument` */
    const char *plan_file, *head, *tail, *manifest, *ranges;
    bool force, check;
    /* map */
    double rates_bps[2], downlinks_bps[2], rtts_s[2], loads[2]; /* from, to */
    const char *output, *load_map;
    /* calibrate */
    cli_list forms;
    int contradictions; /* kerf_contradictions */
    int64_t folds, bootstrap;
    const char *board, *device_name, *overlay;
    /* serve */
    cli_list binds, catalogues;
    const char *publish, *curve_secret, *authorized_keys, *server_key, *metrics;
    bool json_log;
    bool insecure, verbose;
    int64_t threads, io_threads, max_jobs;
    double cache_bytes, device_bytes, estimate_weight, estimate_expiry_s, drain_s;
    /* measure */
    const char *sysfs, *tegrastats, *table_file, *of_network;
    double idle_s, period_s, interval_s;
    int64_t repeat, inferences;
    cli_list rails;
    bool list_rails;
    /* ask */
    cli_list endpoints;
    const char *device_id, *current, *publisher;
    double timeout_s, margin, observed_latency_s, observed_energy_J;
    int64_t attempts, count;
    bool fallback;
    /* simulate */
    cli_list policies;
    int64_t seed, replications; /* seed -1: the scenario's */
    double duration_s, step_s;
    const char *series, *report;
    bool list_policies;
    /* plan under uncertainty */
    int aim; /* kerf_aim */
    double probability;
    const char *uncertainty, *rate_trace;
    int64_t samples;
    bool sensitivity;
};

/* Parsers of values. */
cli_parse cli_parse_flag, cli_parse_text, cli_parse_quantity, cli_parse_percent, cli_parse_choice,
    cli_parse_count, cli_parse_objective, cli_parse_pin, cli_parse_dim, cli_parse_input,
    cli_parse_plot, cli_parse_range, cli_parse_item, cli_parse_seed;

/* What the repeatable options' words say; they were checked when they were parsed.
 * NAME=value is split at its last '='; *name_length is the name's. */
kerf_tier cli_pin_tier(const char *word, size_t *name_length); /* the server is the edge */
int64_t cli_dim_size(const char *word, size_t *name_length);
/* Writes at most `maximum` dimensions; returns their number. */
size_t cli_input_dims(const char *word, size_t *name_length, int64_t *dims, size_t maximum);
#define CLI_MAX_RANK 16

/* Parses a command's arguments (argv[0] is the command's name). On failure says what is wrong.
 * cli_settings_clear releases the lists, also then. */
cli_exit cli_settings_parse(const cli_command *command, int argc, char **argv,
                            cli_settings *settings);
void cli_settings_clear(cli_settings *settings);

/* Prints `kerf COMMAND --help`. */
void cli_print_help(const cli_command *command);

/* The word of `words` nearest to `text` by edit distance, or NULL if none is near. */
const char *cli_nearest(const char *text, const char *const *words, size_t n);

#endif
