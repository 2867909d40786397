/* The rows of all options. Commands choose the sections that apply to them. */
#include "planner/cli/settings.h"

#include <stddef.h>

#define VALUE(NAME, ARGUMENT, PARSE, FIELD, HELP)                                                  \
    {                                                                                              \
        .name = NAME, .argument = ARGUMENT, .parse = PARSE,                                        \
        .field = offsetof(cli_settings, FIELD), .help = HELP                                       \
    }
#define QUANTITY(NAME, ARGUMENT, KIND, POSITIVE, FIELD, HELP)                                      \
    {                                                                                              \
        .name = NAME, .argument = ARGUMENT, .parse = cli_parse_quantity, .quantity = KIND,         \
        .positive = POSITIVE, .field = offsetof(cli_settings, FIELD), .help = HELP                 \
    }
#define CHOICE(NAME, ARGUMENT, PARSE, CHOICES, FIELD, HELP)                                        \
    {                                                                                              \
        .name = NAME, .argument = ARGUMENT, .parse = PARSE, .choices = CHOICES,                    \
        .field = offsetof(cli_settings, FIELD), .help = HELP                                       \
    }
#define FLAG(NAME, LETTER, FIELD, HELP)                                                            \
    {                                                                                              \
        .name = NAME, .letter = LETTER, .parse = cli_parse_flag,                                   \
        .field = offsetof(cli_settings, FIELD), .help = HELP                                       \
    }
#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const cli_choice connections[] = {{"cold", KERF_CONNECTION_COLD},
                                         {"warm", KERF_CONNECTION_WARM},
                                         {"new", KERF_CONNECTION_NEW},
                                         {NULL, 0}};
static const cli_choice sides[] = {{"device", KERF_TIER_DEVICE},
                                   {"server", KERF_TIER_EDGE},
                                   {"cloud", KERF_TIER_CLOUD},
                                   {NULL, 0}};
static const cli_choice solvers[] = {{"auto", KERF_SOLVER_AUTO},
                                     {"exhaustive", KERF_SOLVER_EXHAUSTIVE},
                                     {"mincut", KERF_SOLVER_MINCUT},
                                     {"milp", KERF_SOLVER_MILP},
                                     {NULL, 0}};

static const cli_option scene_options[] = {
    VALUE("device", "DEVICE", cli_parse_text, device,
          "board: a bundled name or a file (default jetson-tx2)"),
    VALUE("server", "SERVER", cli_parse_text, server,
          "edge server: a bundled name or a file (default edge-gpu)"),
    VALUE("link", "LINK", cli_parse_text, link,
          "network path: a bundled name or a file (default wifi-n)"),
    VALUE("device-profile", "FILE", cli_parse_text, device_profile,
          "measured per-operator figures that replace the device's estimates"),
    VALUE("server-profile", "FILE", cli_parse_text, server_profile,
          "measured per-operator figures that replace the server's estimates"),
    VALUE("power-mode", "MODE", cli_parse_text, power_mode,
          "one of the device's power modes, or any: the best of them (default: the device's own)"),
    QUANTITY("server-load", "F", KERF_FRACTION, false, server_load,
             "share of the server that is already busy, from 0 to below 1 (default 0)"),
    END};
const cli_section cli_section_scene = {"Where it runs", scene_options};

static const cli_option tier_options[] = {
    VALUE("cloud", "CLOUD", cli_parse_text, cloud,
          "a third tier behind the server: a bundled server's name or a file"),
    VALUE("cloud-link", "LINK", cli_parse_text, cloud_link,
          "network path from the server to the cloud: a bundled name or a file (default wan)"),
    VALUE("cloud-profile", "FILE", cli_parse_text, cloud_profile,
          "measured per-operator figures that replace the cloud's estimates"),
    QUANTITY("cloud-load", "F", KERF_FRACTION, false, cloud_load,
             "share of the cloud that is already busy, from 0 to below 1 (default 0)"),
    END};
const cli_section cli_section_tiers = {"A third tier", tier_options};

static const cli_option front_options[] = {
    FLAG("pareto", 0, pareto,
         "instead of one plan, list every trade between device energy, latency and accuracy that "
         "no other beats (--objective is not looked at; limits and pins hold)"),
    END};
const cli_section cli_section_front = {"All trades", front_options};

static const cli_option board_options[] = {
    VALUE("device", "DEVICE", cli_parse_text, device,
          "also print what each operator costs on this board: a bundled name or a file"),
    VALUE("device-profile", "FILE", cli_parse_text, device_profile,
          "measured per-operator figures that replace the device's estimates"),
    VALUE("power-mode", "MODE", cli_parse_text, power_mode,
          "one of the device's power modes (default: the device's own)"),
    END};
const cli_section cli_section_board = {"Where it runs", board_options};

static const cli_option link_options[] = {
    QUANTITY("uplink", "RATE", KERF_RATE, true, uplink_bps,
             "rate from device to server, such as \"12 Mbit/s\""),
    QUANTITY("downlink", "RATE", KERF_RATE, true, downlink_bps, "rate from server to device"),
    QUANTITY("rtt", "TIME", KERF_TIME, false, rtt_s, "round-trip time, such as \"20 ms\""),
    VALUE("loss", "PERCENT", cli_parse_percent, loss, "packets lost, such as \"0.5 %\""),
    CHOICE("connection", "STATE", cli_parse_choice, connections, connection,
           "cold: window and radio have gone idle; warm: both are open; new: as cold, and the "
           "connection is yet to be opened"),
    QUANTITY("gap", "TIME", KERF_TIME, true, gap_s,
             "time to the next inference's transfer (default: longer than the radio's tail)"),
    END};
const cli_section cli_section_link = {"Changes to the link", link_options};

static const cli_option goal_options[] = {
    VALUE("objective", "NAME", cli_parse_objective, argument,
          "what to optimise: energy (of the device, the default), latency, throughput, edp (energy "
          "times latency), total-energy (device and server) or weighted:energy=W,latency=W "
          "(W per joule, W per second); in kerf plan also under uncertainty: expected, "
          "minimax-regret, chance:P or cantelli:P (deadline kept with probability P), each also "
          "with :NAME of what it is about"),
    QUANTITY("deadline", "TIME", KERF_TIME, true, limits.deadline_s, "latency at most this"),
    QUANTITY("energy-budget", "ENERGY", KERF_ENERGY, true, limits.energy_J,
             "device energy at most this, such as \"200 mJ\""),
    QUANTITY("device-memory", "SIZE", KERF_SIZE, true, limits.memory_bytes,
             "weights and peak activations on the device at most this"),
    QUANTITY("max-bytes", "SIZE", KERF_SIZE, true, limits.max_bytes,
             "bytes sent to the server at most this"),
    VALUE("min-device-operators", "N", cli_parse_count, min_device_operators,
          "at least N operators on the device"),
    VALUE("variants", "FILE", cli_parse_text, variants,
          "networks to choose from beside NETWORK, each with its accuracy (early exits, other "
          "sizes), and wire encodings"),
    QUANTITY("min-accuracy", "F", KERF_FRACTION, true, limits.min_accuracy,
             "accuracy at least this, such as 0.7 or \"70 %\"; needs --variants"),
    VALUE("pin", "OPERATOR=SIDE", cli_parse_pin, pins,
          "keep an operator on the device, on the server or in the cloud; repeatable"),
    CHOICE("result", "SIDE", cli_parse_choice, sides, result,
           "where the result is needed: device (default), server or cloud"),
    END};
const cli_section cli_section_goal = {"What is wanted", goal_options};

static const cli_option wire_options[] = {
    VALUE("wire", "TYPE", cli_parse_text, wire_name,
          "send tensors as float32, float16 or int8, in an encoding that the variants file lists, "
          "or in any of them, whichever is best (default: each in its own type)"),
    QUANTITY("input-size", "SIZE", KERF_SIZE, true, input_bytes,
             "what the network's input takes when it is sent as it is, such as a camera's JPEG of "
             "\"50 kB\" (default: the input tensor)"),
    END};
const cli_section cli_section_wire = {"What is sent", wire_options};

static const cli_option shape_options[] = {
    VALUE("batch", "N", cli_parse_count, batch,
          "size of an open first dimension of every input (default 1)"),
    VALUE("dim", "NAME=N", cli_parse_dim, dims, "size of a symbolic dimension; repeatable"),
    VALUE("input", "TENSOR=SHAPE", cli_parse_input, inputs,
          "shape of an input, such as x=1x3x224x224; repeatable"),
    END};
const cli_section cli_section_shape = {"Open shapes", shape_options};

static const cli_option robust_options[] = {
    VALUE("uncertainty", "SPEC", cli_parse_text, uncertainty,
          "what is only roughly known: relative standard deviations (\"conv=10%,rate=30%\"), "
          "intervals (\"rate=5..20 Mbit/s\"), profile for what the device's file says of its "
          "coefficients, or a file of such (.json)"),
    VALUE("rate-trace", "FILE", cli_parse_text, rate_trace,
          "uplink rates as they were recorded, in any format that kerf simulate reads"),
    FLAG("sensitivity", 0, sensitivity,
         "list how far each coefficient, rate, RTT and load may be off before the answer changes"),
    VALUE("samples", "N", cli_parse_count, samples, "scenarios to draw (default 2000)"),
    VALUE("seed", "N", cli_parse_seed, seed, "seed of the scenarios (default 0)"),
    END};
const cli_section cli_section_robust = {"What is uncertain", robust_options};

static const cli_option search_options[] = {
    CHOICE("solver", "NAME", cli_parse_choice, solvers, solver,
           "auto (default: the cheapest that is exact), exhaustive, mincut or milp"),
    QUANTITY("time-limit", "TIME", KERF_TIME, true, time_limit_s,
             "stop after this time with the best plan so far and its gap"),
    VALUE("top", "N", cli_parse_count, top, "list the N best different cuts, the plan included"),
    END};
const cli_section cli_section_search = {"Search", search_options};

#define HELP_FLAG FLAG("help", 'h', help, "print this help")
#define JSON_FLAG FLAG("json", 0, json, "print JSON")

static const cli_option plan_output_options[] = {
    JSON_FLAG,
    FLAG("csv", 0, csv, "print comma-separated values: the plan, both extremes and the other cuts"),
    VALUE("plot", "FILE", cli_parse_plot, plot,
          "also draw the cost over the split point to a .svg or .png file (by gnuplot)"),
    FLAG("quiet", 0, quiet, "no warnings and no progress on stderr"),
    HELP_FLAG,
    END};
const cli_section cli_section_plan_output = {"Output", plan_output_options};

#define RANGE(NAME, ARGUMENT, KIND, POSITIVE, FIELD, HELP)                                         \
    {                                                                                              \
        .name = NAME, .argument = ARGUMENT, .parse = cli_parse_range, .quantity = KIND,            \
        .positive = POSITIVE, .field = offsetof(cli_settings, FIELD), .help = HELP                 \
    }

static const cli_option map_options[] = {
    RANGE("rates", "LOW..HIGH", KERF_RATE, true, rates_bps,
          "range of uplink rates (default \"100 kbit/s..1 Gbit/s\")"),
    RANGE("downlinks", "LOW..HIGH", KERF_RATE, true, downlinks_bps,
          "range of downlink rates (default: the link's alone)"),
    RANGE("rtts", "LOW..HIGH", KERF_TIME, false, rtts_s,
          "range of round-trip times (default: the link's alone)"),
    RANGE("loads", "LOW..HIGH", KERF_FRACTION, false, loads,
          "range of server loads (default: --server-load alone)"),
    QUANTITY("time-limit", "TIME", KERF_TIME, true, time_limit_s,
             "give up after this time: an unfinished map is none"),
    VALUE("load-map", "FILE", cli_parse_text, load_map,
          "show a map that was saved, instead of making one; --downlink, --rtt and --server-load "
          "say where in it"),
    VALUE("output", "FILE", cli_parse_text, output, "save the map, for look-ups at run time"),
    END};
const cli_section cli_section_map = {"The map", map_options};

static const cli_option map_output_options[] = {
    JSON_FLAG,
    FLAG("csv", 0, csv, "print comma-separated values: a row for every region"),
    VALUE("plot", "FILE", cli_parse_plot, plot,
          "also draw the regions to a .svg or .png file (by gnuplot): the cost over the rate, or "
          "the rate against the RTT or the load where these vary"),
    FLAG("quiet", 0, quiet, "no warnings and no progress on stderr"),
    HELP_FLAG,
    END};
const cli_section cli_section_map_output = {"Output", map_output_options};

static const cli_option table_output_options[] = {
    JSON_FLAG, FLAG("csv", 0, csv, "print comma-separated values"),
    FLAG("quiet", 0, quiet, "no warnings on stderr"), HELP_FLAG, END};
const cli_section cli_section_table_output = {"Output", table_output_options};

static const cli_option split_options[] = {
    VALUE("plan", "FILE", cli_parse_text, plan_file,
          "take the placement from this answer of kerf plan --json (default: plan it now)"),
    VALUE("head", "FILE", cli_parse_text, head,
          "where the device's network goes (default head.onnx)"),
    VALUE("tail", "FILE", cli_parse_text, tail,
          "where the server's network goes (default tail.onnx)"),
    VALUE("manifest", "FILE", cli_parse_text, manifest,
          "where the description of both goes (default split.json, beside the head)"),
    VALUE("ranges", "FILE", cli_parse_text, ranges,
          "ranges of the tensors that cross, for --wire int8"),
    FLAG("force", 0, force, "overwrite existing files"),
    FLAG(
        "check", 0, check,
        "write nothing: say whether the two files given, HEAD.onnx and TAIL.onnx, belong together"),
    END};
const cli_section cli_section_split = {"What is written", split_options};

static const cli_option split_output_options[] = {
    FLAG("json", 0, json, "print the manifest"),
    FLAG("quiet", 0, quiet, "no warnings and no progress on stderr"), HELP_FLAG, END};
const cli_section cli_section_split_output = {"Output", split_output_options};

static const cli_option serve_options[] = {
    VALUE(
        "bind", "ENDPOINT", cli_parse_item, binds,
        "where to listen, such as tcp://127.0.0.1:5599 (the default), tcp://127.0.0.1:* (any free "
        "port) or ipc:///run/kerf/kerf.sock; repeatable"),
    VALUE("publish", "ENDPOINT", cli_parse_text, publish,
          "where to announce changed decisions of devices (default: nowhere)"),
    VALUE("catalogue", "DIR", cli_parse_item, catalogues,
          "a folder with networks/, devices/, servers/ and links/; repeatable, the first one wins "
          "(default: what is bundled); read again on SIGHUP"),
    VALUE("curve-secret", "FILE", cli_parse_text, curve_secret,
          "speak CURVE: the service's secret certificate (kerf keygen)"),
    VALUE("authorized-keys", "DIR", cli_parse_text, authorized_keys,
          "a folder with the public certificates of the clients that may connect; read again on "
          "SIGHUP"),
    FLAG("insecure", 0, insecure,
         "listen beyond this machine without encryption and authentication, in a network where "
         "everybody is trusted"),
    END};
const cli_section cli_section_serve = {"Where it listens", serve_options};

static const cli_option capacity_options[] = {
    VALUE("threads", "N", cli_parse_count, threads, "threads that solve (default 2)"),
    VALUE("io-threads", "N", cli_parse_count, io_threads,
          "threads that move messages: one for every GB/s (default 1)"),
    QUANTITY("cache", "SIZE", KERF_SIZE, true, cache_bytes,
             "memory for answers that are kept (default \"256 MB\")"),
    QUANTITY("devices", "SIZE", KERF_SIZE, true, device_bytes,
             "memory for what is remembered of devices (default \"64 MB\")"),
    VALUE("queue", "N", cli_parse_count, max_jobs,
          "fresh solves that may wait; more are refused as overloaded (default 256)"),
    QUANTITY("time-limit", "TIME", KERF_TIME, true, time_limit_s,
             "longest time for one solve (default \"5 s\")"),
    QUANTITY("drain", "TIME", KERF_TIME, true, drain_s,
             "longest time to answer what is queued, once told to stop (default \"5 s\")"),
    END};
const cli_section cli_section_capacity = {"How much it takes", capacity_options};

static const cli_option devices_view_options[] = {
    QUANTITY("estimate-weight", "F", KERF_FRACTION, true, estimate_weight,
             "weight of a new observation in the estimate of a device's link (default 0.25)"),
    QUANTITY("estimate-expiry", "TIME", KERF_TIME, true, estimate_expiry_s,
             "age at which an estimate no longer counts (default \"60 s\")"),
    QUANTITY("hysteresis", "F", KERF_FRACTION, false, margin,
             "share that another cut must gain before it takes the place of the one in use "
             "(default \"5 %\")"),
    END};
const cli_section cli_section_devices_view = {"What devices report", devices_view_options};

static const cli_option serve_output_options[] = {
    VALUE("metrics", "ADDRESS", cli_parse_text, metrics,
          "tell counters and latencies as Prometheus text at http://ADDRESS/metrics, such as "
          "127.0.0.1:9464"),
    FLAG("json-log", 0, json_log, "log lines of JSON (default: logfmt)"),
    FLAG("verbose", 0, verbose, "log more"),
    FLAG("quiet", 0, quiet, "log errors only"),
    HELP_FLAG,
    END};
const cli_section cli_section_serve_output = {"Output", serve_output_options};
static const cli_option measure_options[] = {
    {.name = "repeat",
     .letter = 'n',
     .argument = "N",
     .parse = cli_parse_count,
     .field = offsetof(cli_settings, repeat),
     .help = "run the command N times (default 1); two and more give a confidence interval"},
    QUANTITY("idle", "TIME", KERF_TIME, true, idle_s,
             "first measure the idle board for this long, and also tell the energy above that"),
    QUANTITY("period", "TIME", KERF_TIME, true, period_s,
             "time between samples (default 10 ms; a monitor takes about 1 ms for each rail)"),
    VALUE("inferences", "N", cli_parse_count, inferences,
          "inferences that one run of the command makes: figures are also told for each"),
    VALUE("rail", "NAME", cli_parse_item, rails,
          "a rail that counts in the total; repeatable (default: what is known of the board)"),
    VALUE("tegrastats", "FILE", cli_parse_text, tegrastats,
          "take the power from a log of tegrastats instead of running a command"),
    QUANTITY("interval", "TIME", KERF_TIME, true, interval_s,
             "time between the lines of that log (default 1 s, as tegrastats prints)"),
    FLAG("list", 0, list_rails, "list the rails and what they read now, and run nothing"),
    VALUE("sysfs", "DIR", cli_parse_text, sysfs, "where sysfs is (default /sys)"),
    END};
const cli_section cli_section_measure = {"What is measured", measure_options};

static const cli_option measure_output_options[] = {
    JSON_FLAG,
    FLAG("csv", 0, csv, "print comma-separated values, a row for each run"),
    VALUE("write", "FILE", cli_parse_text, table_file,
          "also write latency and energy as a table that kerf calibrate reads"),
    VALUE("network", "NAME", cli_parse_text, of_network,
          "the network that the command runs, for --write: a bundled name or a file"),
    FLAG("force", 0, force, "overwrite an existing file"),
    FLAG("quiet", 0, quiet, "no warnings and no progress on stderr"),
    HELP_FLAG,
    END};
const cli_section cli_section_measure_output = {"Output", measure_output_options};

static const cli_option ask_options[] = {
    VALUE("endpoint", "ENDPOINT", cli_parse_item, endpoints,
          "where the service listens (default tcp://127.0.0.1:5599); repeatable: the next one is "
          "asked where one does not answer"),
    QUANTITY("timeout", "TIME", KERF_TIME, true, timeout_s,
             "how long an attempt waits for its reply (default \"1 s\")"),
    VALUE("attempts", "N", cli_parse_count, attempts, "attempts in all (default 3)"),
    FLAG("fallback", 0, fallback, "plan here where no service answers"),
    VALUE("curve-server", "FILE", cli_parse_text, server_key,
          "speak CURVE: the service's public certificate"),
    VALUE("curve-secret", "FILE", cli_parse_text, curve_secret,
          "the secret certificate of this client (kerf keygen)"),
    END};
const cli_section cli_section_ask = {"Whom to ask", ask_options};

static const cli_option ask_scene_options[] = {
    VALUE("device", "DEVICE", cli_parse_text, device,
          "board: a name of the service's catalogue (default jetson-tx2)"),
    VALUE("server", "SERVER", cli_parse_text, server,
          "edge server: a name of the service's catalogue (default edge-gpu)"),
    VALUE("link", "LINK", cli_parse_text, link,
          "network path: a name of the service's catalogue, or a file (default wifi-n)"),
    VALUE("power-mode", "MODE", cli_parse_text, power_mode,
          "one of the device's power modes, or any: the best of them (default: the device's own)"),
    QUANTITY("server-load", "F", KERF_FRACTION, false, server_load,
             "share of the server that is already busy, from 0 to below 1 (default 0)"),
    END};
const cli_section cli_section_ask_scene = {"Where it runs", ask_scene_options};

static const cli_option ask_device_options[] = {
    VALUE("device-id", "ID", cli_parse_text, device_id,
          "who asks: what this board has observed stands in for a link that is left out"),
    VALUE("current", "CUT", cli_parse_text, current,
          "the cut in use, as an earlier answer named it"),
    QUANTITY("margin", "F", KERF_FRACTION, false, margin,
             "share that another cut must gain before it takes the place of the one in use "
             "(default: the service's)"),
    QUANTITY("latency", "TIME", KERF_TIME, true, observed_latency_s,
             "observe: the latency of an inference as it was measured"),
    QUANTITY("energy", "ENERGY", KERF_ENERGY, true, observed_energy_J,
             "observe: the device's energy for it"),
    VALUE("publisher", "ENDPOINT", cli_parse_text, publisher,
          "watch: where the service publishes (kerf serve --publish)"),
    VALUE("count", "N", cli_parse_count, count, "watch: end after N announcements"),
    END};
const cli_section cli_section_ask_device = {"A device of its own", ask_device_options};

static const cli_option ask_output_options[] = {
    JSON_FLAG, FLAG("quiet", 0, quiet, "no warnings on stderr"), HELP_FLAG, END};
const cli_section cli_section_ask_output = {"Output", ask_output_options};
static const cli_option simulate_options[] = {
    VALUE("policy", "POLICY", cli_parse_item, policies,
          "simulate this policy: a name of the scenario's, or one of --list-policies, such as "
          "static or fixed:OPERATOR; repeatable (default: those of the scenario)"),
    VALUE("seed", "N", cli_parse_seed, seed,
          "seed of all random numbers (default: the scenario's)"),
    VALUE("replications", "N", cli_parse_count, replications,
          "independent repetitions, from which confidence intervals follow (default: the "
          "scenario's)"),
    QUANTITY("duration", "TIME", KERF_TIME, true, duration_s,
             "simulated time during which inferences arrive (default: the scenario's)"),
    VALUE("threads", "N", cli_parse_count, threads,
          "threads; the results do not depend on it (default: one per processor)"),
    VALUE("endpoint", "ENDPOINT", cli_parse_item, endpoints,
          "where a service listens, for the policy that asks one (default tcp://127.0.0.1:5599); "
          "repeatable: the next one is asked where one does not answer"),
    FLAG("list-policies", 0, list_policies, "list the policies there are, and end"),
    END};
const cli_section cli_section_simulate = {"What is simulated", simulate_options};

static const cli_option simulate_output_options[] = {
    FLAG("json", 0, json, "print JSON"),
    FLAG("csv", 0, csv, "print comma-separated values"),
    QUANTITY("step", "TIME", KERF_TIME, true, step_s,
             "keep figures over time, too, at this step: in the JSON, the series and the report "
             "(default for the latter two: the duration's 240th part)"),
    VALUE("series", "FILE", cli_parse_text, series,
          "write figures over time to this file, as comma-separated values"),
    VALUE("report", "FILE", cli_parse_text, report,
          "write a page with tables and charts to this file (HTML, complete in itself)"),
    FLAG("quiet", 0, quiet, "no warnings and no progress on stderr"),
    HELP_FLAG,
    END};
const cli_section cli_section_simulate_output = {"Output", simulate_output_options};

static const cli_choice contradictions[] = {{"refuse", KERF_CONTRADICTIONS_REFUSE},
                                            {"drop", KERF_CONTRADICTIONS_DROP},
                                            {"keep", KERF_CONTRADICTIONS_KEEP},
                                            {NULL, 0}};

static const cli_option rows_options[] = {
    VALUE("board", "NAME", cli_parse_text, board, "only rows of this board"),
    VALUE("power-mode", "MODE", cli_parse_text, power_mode, "only rows of this power mode"),
    CHOICE("contradictions", "WHAT", cli_parse_choice, contradictions, contradictions,
           "what becomes of rows that run the same but differ by more than half, or are a thousand "
           "times off the others: refuse (default), drop them, or keep them"),
    END};
const cli_section cli_section_rows = {"Which measurements", rows_options};

static const cli_option fit_options[] = {
    VALUE("form", "FORM", cli_parse_item, forms,
          "the form to write, such as steps, latency=sum or energy=mac-kernels; repeatable "
          "(default: the simplest that the folds cannot tell from the best)"),
    VALUE("folds", "N", cli_parse_count, folds,
          "folds of the cross-validation (default: every group is one)"),
    VALUE("bootstrap", "N", cli_parse_count, bootstrap,
          "samples of the groups for the coefficients' standard errors (default 200)"),
    VALUE("seed", "N", cli_parse_seed, seed, "seed of folds and samples (default 1)"), END};
const cli_section cli_section_fit = {"How it is fitted", fit_options};

static const cli_option profile_options[] = {
    VALUE("output", "FILE", cli_parse_text, output, "write the device profile to this file"),
    VALUE("overlay", "FILE", cli_parse_text, overlay,
          "what was not measured: names, idle power, assumed coefficients, other power modes"),
    VALUE("device-name", "NAME", cli_parse_text, device_name,
          "name of the device (default: the overlay's, or the board's)"),
    FLAG("force", 0, force, "overwrite an existing file"), END};
const cli_section cli_section_profile = {"The profile", profile_options};

static const cli_option calibrate_output_options[] = {
    JSON_FLAG,
    FLAG("csv", 0, csv, "print every row as comma-separated values: measured and predicted"),
    VALUE("plot", "FILE", cli_parse_plot, plot,
          "also draw predicted over measured to a .svg or .png file (by gnuplot)"),
    FLAG("quiet", 0, quiet, "no warnings on stderr"),
    HELP_FLAG,
    END};
const cli_section cli_section_calibrate_output = {"Output", calibrate_output_options};

static const cli_option import_options[] = {
    VALUE("output", "FILE", cli_parse_text, output,
          "write the figures as a profile, for --device-profile and --server-profile"),
    VALUE("table", "FILE", cli_parse_text, table_file,
          "write them as a table of measurements, for kerf calibrate"),
    FLAG("force", 0, force, "overwrite existing files"), END};
const cli_section cli_section_import = {"What is written", import_options};

static const cli_option import_output_options[] = {
    FLAG("json", 0, json, "print JSON: every layer with its operators"),
    FLAG("csv", 0, csv, "print comma-separated values, a row for each layer"),
    FLAG("quiet", 0, quiet, "no warnings on stderr"), HELP_FLAG, END};
const cli_section cli_section_import_output = {"Output", import_output_options};

static const cli_option keygen_options[] = {FLAG("force", 0, force, "overwrite existing files"),
                                            HELP_FLAG, END};
const cli_section cli_section_keygen = {"Output", keygen_options};
