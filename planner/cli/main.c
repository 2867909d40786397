/* kerf: where to cut a neural network between a device and an edge server. */
#include "planner/cli/commands.h"
#include "planner/cli/settings.h"

#include <string.h>

static const cli_section *const plan_sections[] = {&cli_section_scene,
                                                   &cli_section_tiers,
                                                   &cli_section_link,
                                                   &cli_section_goal,
                                                   &cli_section_front,
                                                   &cli_section_wire,
                                                   &cli_section_shape,
                                                   &cli_section_robust,
                                                   &cli_section_search,
                                                   &cli_section_plan_output,
                                                   NULL};
static const cli_section *const map_sections[] = {
    &cli_section_map,  &cli_section_scene, &cli_section_link,       &cli_section_goal,
    &cli_section_wire, &cli_section_shape, &cli_section_map_output, NULL};
static const cli_section *const split_sections[] = {
    &cli_section_split,  &cli_section_scene,        &cli_section_link,
    &cli_section_goal,   &cli_section_wire,         &cli_section_shape,
    &cli_section_search, &cli_section_split_output, NULL};
static const cli_section *const inspect_sections[] = {&cli_section_board, &cli_section_shape,
                                                      &cli_section_table_output, NULL};
static const cli_section *const serve_sections[] = {&cli_section_serve, &cli_section_capacity,
                                                    &cli_section_devices_view,
                                                    &cli_section_serve_output, NULL};
static const cli_section *const keygen_sections[] = {&cli_section_keygen, NULL};
static const cli_section *const import_sections[] = {&cli_section_import, &cli_section_shape,
                                                     &cli_section_import_output, NULL};
static const cli_section *const measure_sections[] = {&cli_section_measure,
                                                      &cli_section_measure_output, NULL};
static const cli_section *const ask_sections[] = {
    &cli_section_ask,        &cli_section_ask_scene,  &cli_section_link,
    &cli_section_goal,       &cli_section_wire,       &cli_section_search,
    &cli_section_ask_device, &cli_section_ask_output, NULL};
static const cli_section *const simulate_sections[] = {&cli_section_simulate,
                                                       &cli_section_simulate_output, NULL};
static const cli_section *const list_sections[] = {&cli_section_table_output, NULL};

static const char *const plan_examples[] = {
    "kerf plan resnet50 --device jetson-tx2 --server edge-gpu --link wifi-n",
    "kerf plan net.onnx --link lte --objective latency --energy-budget \"300 mJ\" --top 3",
    "kerf plan yolov3-tiny --input-size 60kB --wire int8 --plot split.svg",
    "kerf plan alexnet --power-mode any --pareto --plot front.svg",
    "kerf plan alexnet --deadline 60ms --uncertainty \"rate=40%\" --objective chance:0.95",
    "kerf plan vit-b16 --server edge-cpu --cloud cloud-a100 --cloud-link wan --objective latency",
    NULL};
static const char *const map_examples[] = {
    "kerf map resnet50 --link lte --objective latency --input-size 60kB",
    "kerf map alexnet --rates \"1 Mbit/s..50 Mbit/s\" --rtts 1ms..100ms --plot map.svg",
    "kerf map net.onnx --loads 0..0.9 --output net-map.json",
    "kerf map --load-map net-map.json --server-load 0.5", NULL};
static const char *const split_examples[] = {
    "kerf split net.onnx --link lte --objective latency",
    "kerf split net.onnx --plan plan.json --head board/head.onnx --tail server/tail.onnx",
    "kerf split net.onnx --wire int8 --ranges ranges.json",
    "kerf split --check head.onnx tail.onnx", NULL};
static const char *const inspect_examples[] = {
    "kerf inspect resnet50 --device jetson-tx2",
    "kerf inspect net.onnx --input image=1x3x640x640 --json", NULL};
static const char *const serve_examples[] = {
    "kerf serve",
    "kerf serve --bind tcp://127.0.0.1:5599 --bind ipc:///run/kerf/kerf.sock --catalogue /etc/kerf",
    NULL};
static const char *const keygen_examples[] = {"kerf keygen keys/server", "kerf keygen keys/cam-7",
                                              NULL};
static const char *const import_examples[] = {
    "kerf import net.onnx profile.json layers.json --output measured.json",
    "kerf import net.onnx onnxruntime_profile.json --table measurements.json", NULL};
static const char *const measure_examples[] = {
    "kerf measure --list",
    "kerf measure -n 10 --idle 5s --inferences 1000 -- trtexec --loadEngine=net.engine "
    "--iterations=1000 --duration=0",
    "kerf measure --tegrastats power.log --interval 100ms --json", NULL};
static const char *const ask_examples[] = {
    "kerf ask resnet50 --uplink \"12 Mbit/s\" --rtt 20ms",
    "kerf ask resnet50 --endpoint tcp://10.0.0.1:5599 --endpoint tcp://10.0.0.2:5599 --fallback",
    "kerf ask observe cam-7 --uplink \"11 Mbit/s\" --rtt 25ms",
    "kerf ask watch cam-7 --publisher tcp://127.0.0.1:5600", NULL};
static const char *const simulate_examples[] = {
    "kerf simulate one-board-wifi",
    "kerf simulate scenario.json --policy static --policy adaptive --replications 20 --json",
    "kerf simulate --list-policies", NULL};
static const cli_section *const calibrate_sections[] = {
    &cli_section_rows, &cli_section_fit, &cli_section_profile, &cli_section_calibrate_output, NULL};
static const char *const calibrate_examples[] = {
    "kerf calibrate measurements.json",
    "kerf calibrate blocks.csv --overlay board.json --output my-board.json",
    "kerf calibrate networks.json --form latency=steps --plot fit.svg", NULL};
static const char *const list_examples[] = {"kerf list devices", "kerf list networks --json", NULL};

static const cli_command commands[] = {
    {.name = "plan",
     .run = cli_plan,
     .summary = "choose where to split a network",
     .arguments = "NETWORK",
     .description =
         "Chooses which operators of a network run on the device and which on the server, and "
         "proves that no other choice is better. NETWORK is an ONNX file, a JSON network file or "
         "the name of a bundled network (kerf list networks).",
     .sections = plan_sections,
     .examples = plan_examples},
    {.name = "map",
     .run = cli_map,
     .summary = "map the best split over link rate, RTT and server load",
     .arguments = "NETWORK",
     .description =
         "Finds where the best split changes over a range of uplink rates, and if asked also of "
         "downlink rates, round-trip times and server loads; every border is exact. NETWORK is an "
         "ONNX file, a JSON network file or the name of a bundled network (kerf list networks). A "
         "saved map decides at run time by a look-up.",
     .sections = map_sections,
     .examples = map_examples,
     .optional = true},
    {.name = "split",
     .run = cli_split,
     .summary = "write a plan as two networks that run",
     .arguments = "NETWORK",
     .description =
         "Writes the part of a network that runs on the device and the part that runs on the "
         "server as two ONNX files, which any ONNX runtime loads, and a manifest that describes "
         "them. NETWORK is an ONNX file, a JSON network file or the name of a bundled network (the "
         "last two have no weights: zeros take their place).",
     .sections = split_sections,
     .examples = split_examples},
    {.name = "inspect",
     .run = cli_inspect,
     .summary = "list a network's operators, shapes and costs",
     .arguments = "NETWORK",
     .description =
         "Lists the operators of a network with their shapes, multiply-accumulates, parameters and "
         "bytes, and with --device what each costs there. NETWORK is an ONNX file, a JSON network "
         "file or the name of a bundled network.",
     .sections = inspect_sections,
     .examples = inspect_examples},
    {.name = "calibrate",
     .run = cli_calibrate,
     .summary = "fit a device profile on measurements",
     .arguments = "MEASUREMENTS",
     .many = true,
     .description =
         "Fits a device profile on measurements of operators, blocks or whole networks, and says "
         "how well it predicts what it was not fitted on. MEASUREMENTS are JSON or CSV files; all "
         "of them are fitted together.",
     .sections = calibrate_sections,
     .examples = calibrate_examples},
    {.name = "serve",
     .run = cli_serve,
     .summary = "answer split decisions over ZeroMQ",
     .arguments = "",
     .description =
         "Answers questions about where to split a network, for the link as it is at the moment, "
         "over ZeroMQ. The endpoints that it listens at are printed, one a line. It goes on until "
         "SIGTERM or SIGINT, and reads its catalogue again on SIGHUP.",
     .sections = serve_sections,
     .examples = serve_examples},
    {.name = "keygen",
     .run = cli_keygen,
     .summary = "make CURVE keys for the service and its clients",
     .arguments = "FILE",
     .description =
         "Makes a pair of keys for encrypted connections that only known clients may open: FILE "
         "gets the public one, FILE_secret both, for its owner alone.",
     .sections = keygen_sections,
     .examples = keygen_examples},
    {.name = "import",
     .run = cli_import,
     .summary = "take a runtime's layer profile for measured figures",
     .arguments = "NETWORK FILE...",
     .description =
         "Maps the layers that TensorRT or ONNX Runtime profiled back to the operators of a "
         "network, and says what share of the time could not be mapped. The files are those of one "
         "run: trtexec --exportProfile and --exportLayerInfo, ONNX Runtime's profile, or CSV. "
         "NETWORK is the ONNX file, JSON network file or bundled network that was profiled.",
     .sections = import_sections,
     .examples = import_examples,
     .many = true},
    {.name = "measure",
     .run = cli_measure,
     .summary = "measure the board's energy while a command runs",
     .arguments = "-- COMMAND",
     .description =
         "Samples the power rails of a Jetson while a command runs, and integrates them to energy. "
         "What the command prints on standard output goes to standard error. Nothing is "
         "subtracted: the energy is the whole board's, as everywhere in kerf.",
     .sections = measure_sections,
     .examples = measure_examples,
     .optional = true,
     .many = true},
    {.name = "ask",
     .run = cli_ask,
     .summary = "ask a running service",
     .arguments = "NETWORK|OPERATION",
     .description =
         "Asks a running kerf serve where to split a network of its catalogue, or for another "
         "operation: ping, stats, list [KIND], describe KIND NAME, observe DEVICE-ID, "
         "state DEVICE-ID, watch [DEVICE-ID]. A network of such a name is asked for by "
         "plan NETWORK.",
     .sections = ask_sections,
     .examples = ask_examples,
     .many = true},
    {.name = "simulate",
     .run = cli_simulate,
     .summary = "simulate a fleet that plans, on links and servers as they are",
     .arguments = "SCENARIO",
     .description =
         "Simulates boards that run inferences, offload them by a policy, and share links and "
         "servers, with the planner's own costs. Every policy meets the same arrivals, links and "
         "faults. SCENARIO is a JSON scenario file or the name of a bundled one (kerf list "
         "scenarios).",
     .sections = simulate_sections,
     .examples = simulate_examples,
     .optional = true},
    {.name = "list",
     .run = cli_list_bundled,
     .summary = "list what is bundled",
     .arguments = "devices|servers|links|networks|scenarios",
     .description = "Lists the bundled devices, servers, links, networks or scenarios, one line "
                    "each, with where their figures come from.",
     .sections = list_sections,
     .examples = list_examples},
};
static const size_t n_commands = sizeof commands / sizeof *commands;

static void print_usage(FILE *stream)
{
    fputs("Usage: kerf COMMAND [OPTIONS] ARGUMENT\n\n"
          "Decides which operators of a neural network run on a device and which on an edge "
          "server.\n\n"
          "Commands:\n",
          stream);
    for (size_t i = 0; i < n_commands; i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\nkerf COMMAND --help lists the options of a command; kerf --version prints the "
          "version.\n",
          stream);
}

static cli_exit fail_unknown(const char *word)
{
    const char *names[sizeof commands / sizeof *commands];
    for (size_t i = 0; i < n_commands; i++)
        names[i] = commands[i].name;
    const char *near = cli_nearest(word, names, n_commands);
    const char *what = *word == '-' ? "option" : "command";
    if (near)
        return cli_error(CLI_USAGE, "unknown %s '%s'; did you mean '%s'?", what, word, near);
    return cli_error(CLI_USAGE, "unknown %s '%s'; 'kerf --help' lists the commands", what, word);
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    cli_settings settings;
    cli_exit status = cli_settings_parse(command, argc, argv, &settings);
    if (status == CLI_DONE && settings.help)
        cli_print_help(command);
    else if (status == CLI_DONE)
        status = command->run(&settings);
    cli_settings_clear(&settings);
    return status;
}

static cli_exit dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("kerf %s\n", kerf_version());
        return CLI_DONE;
    }
    for (size_t i = 0; i < n_commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    return fail_unknown(argv[1]);
}

int main(int argc, char **argv)
{
    cli_streams_init();
    return (int)cli_streams_finish(dispatch(argc, argv));
}
