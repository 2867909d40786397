#include "planner/cli/scene.h"

#include "base/memory.h"
#include "planner/bind.h"
#include "planner/cli/variants.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WARNINGS 10 /* shown on stderr; --json has them all */

static const char default_device[] = "jetson-tx2";
static const char default_server[] = "edge-gpu";
static const char default_link[] = "wifi-n";

static const char *either(const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

/* --- network --- */

/* The --dim and --input words as the library wants them. */
typedef struct shapes {
    struct kerf_dim *dims;
    struct kerf_input_shape *inputs;
    int64_t (*input_dims)[CLI_MAX_RANK];
    char **names; /* of both, n in all */
    size_t n;
} shapes;

static void shapes_clear(shapes *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->names[i]);
    free(s->names);
    free(s->dims);
    free(s->inputs);
    free(s->input_dims);
}

static bool shapes_read(const cli_settings *settings, shapes *s)
{
    const size_t n_dims = settings->dims.n, n_inputs = settings->inputs.n;
    s->names = kerf_calloc(n_dims + n_inputs, sizeof *s->names);
    s->dims = kerf_calloc(n_dims, sizeof *s->dims);
    s->inputs = kerf_calloc(n_inputs, sizeof *s->inputs);
    s->input_dims = kerf_calloc(n_inputs, sizeof *s->input_dims);
    if (!s->names || !s->dims || !s->inputs || !s->input_dims)
        return false;
    for (size_t i = 0; i < n_dims + n_inputs; i++) {
        const bool is_dim = i < n_dims;
        const size_t k = is_dim ? i : i - n_dims;
        const char *word = is_dim ? settings->dims.items[k] : settings->inputs.items[k];
        size_t length = 0, rank = 0;
        int64_t size = 0;
        if (is_dim)
            size = cli_dim_size(word, &length);
        else
            rank = cli_input_dims(word, &length, s->input_dims[k], CLI_MAX_RANK);
        char *name = kerf_strndup(word, length);
        if (!name)
            return false;
        s->names[s->n++] = name;
        if (is_dim)
            s->dims[k] = (struct kerf_dim){.name = name, .size = size};
        else
            s->inputs[k] = (struct kerf_input_shape){name, s->input_dims[k], rank};
    }
    return true;
}

static void show_warnings(const cli_settings *settings, const kerf_network *network)
{
    for (size_t i = 0; i < network->n_warnings; i++) {
        if (i == MAX_WARNINGS) {
            cli_warning(settings->quiet, "%s: %zu more warnings; inspect --json lists them all",
                        network->name, network->n_warnings - i);
            return;
        }
        cli_warning(settings->quiet, "%s: %s", network->name, network->warnings[i]);
    }
}

/* The shapes of the command line that the form does not replace, and the form's. */
static size_t merge_inputs(const shapes *s, size_t n, const cli_network_form *form,
                           struct kerf_input_shape *merged)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        bool replaced = !form->as_network;
        for (size_t k = 0; k < form->n_inputs; k++)
            replaced = replaced || strcmp(form->inputs[k].tensor, s->inputs[i].tensor) == 0;
        if (!replaced)
            merged[used++] = s->inputs[i];
    }
    for (size_t k = 0; k < form->n_inputs; k++)
        merged[used++] = form->inputs[k];
    return used;
}

cli_exit cli_load_network_as(const cli_settings *settings, const char *path,
                             const cli_network_form *form, kerf_network **network)
{
    kerf_error err = {0};
    shapes s = {0};
    cli_exit status = CLI_FAILED;
    struct kerf_input_shape *inputs =
        kerf_calloc(settings->inputs.n + form->n_inputs, sizeof *inputs);
    if (!inputs || !shapes_read(settings, &s)) {
        cli_error(CLI_FAILED, "out of memory");
        goto out;
    }
    const kerf_network_options options = {.batch = settings->batch,
                                          .dims = s.dims,
                                          .n_dims = form->as_network ? settings->dims.n : 0,
                                          .inputs = inputs,
                                          .n_inputs =
                                              merge_inputs(&s, settings->inputs.n, form, inputs),
                                          .outputs = form->outputs,
                                          .n_outputs = form->n_outputs};
    if (kerf_network_load(path, &options, network, &err) != KERF_OK) {
        cli_report(CLI_FAILED, &err);
        goto out;
    }
    if (!form->as_network)
        show_warnings(settings, *network);
    status = CLI_DONE;
out:
    free(inputs);
    shapes_clear(&s);
    return status;
}

cli_exit cli_load_network(const cli_settings *settings, bool allow_unresolved,
                          kerf_network **network)
{
    kerf_error err = {0};
    shapes s = {0};
    char *path = NULL;
    cli_exit status = CLI_FAILED;
    if (!shapes_read(settings, &s)) {
        cli_error(CLI_FAILED, "out of memory");
        goto out;
    }
    const kerf_network_options options = {.batch = settings->batch,
                                          .dims = s.dims,
                                          .n_dims = settings->dims.n,
                                          .inputs = s.inputs,
                                          .n_inputs = settings->inputs.n,
                                          .allow_unresolved = allow_unresolved};
    if (cli_find(CLI_NETWORK, settings->argument, &path, &err) != KERF_OK ||
        kerf_network_load(path, &options, network, &err) != KERF_OK) {
        cli_report(CLI_FAILED, &err);
        goto out;
    }
    show_warnings(settings, *network);
    status = (*network)->n_operators && (*network)->n_outputs
                 ? CLI_DONE
                 : cli_error(CLI_FAILED, "%s: has no %s, expected at least one", path,
                             (*network)->n_operators ? "outputs" : "operators");
out:
    free(path);
    shapes_clear(&s);
    return status;
}

/* --- device, server, profiles, link --- */

cli_exit cli_load_device(cli_kind kind, const char *name, kerf_device **device)
{
    kerf_error err = {0};
    char *path = NULL;
    kerf_status status = cli_find(kind, name, &path, &err);
    if (status == KERF_OK)
        status = kerf_device_load(path, device, &err);
    free(path);
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

bool cli_find_mode(const kerf_device *device, const char *name, size_t *mode)
{
    const kerf_question question = {.device = device, .power_mode = name};
    kerf_error err = {0};
    if (cut_find_mode(&question, mode, &err) == KERF_OK)
        return true;
    cli_error(CLI_USAGE, "--power-mode: %s %s", device->name, err.message);
    return false;
}

static bool mode_is_fine(const kerf_device *device, const char *name)
{
    size_t mode;
    return !name || strcmp(name, "any") == 0 || cli_find_mode(device, name, &mode);
}

cli_exit cli_load_profile(const char *path, const kerf_network *network, kerf_profile **profile)
{
    kerf_error err = {0};
    if (!path || kerf_profile_load(path, network, profile, &err) == KERF_OK)
        return CLI_DONE;
    return cli_report(CLI_FAILED, &err);
}

static void override(double given, double *field)
{
    if (!isnan(given))
        *field = given;
}

static cli_exit load_link(const cli_settings *settings, kerf_link **loaded)
{
    kerf_error err = {0};
    char *path = NULL;
    kerf_status status = cli_find(CLI_LINK, either(settings->link, default_link), &path, &err);
    if (status == KERF_OK)
        status = kerf_link_load(path, loaded, &err);
    free(path);
    if (status != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    kerf_link *link = *loaded;
    override(settings->uplink_bps, &link->rate_bps[KERF_UPLINK]);
    override(settings->downlink_bps, &link->rate_bps[KERF_DOWNLINK]);
    override(settings->rtt_s, &link->rtt_s);
    override(settings->loss, &link->loss);
    override(settings->gap_s, &link->gap_s);
    if (settings->connection >= 0)
        link->connection = (kerf_connection)settings->connection;
    if (kerf_link_check(link, &err) == KERF_OK)
        return CLI_DONE;
    /* The file was in order, so an option is not. */
    return cli_error(CLI_USAGE, "link with the overrides of the command line: %s: %s", err.where,
                     err.message);
}

/* --- question --- */

static cli_exit find_pins(const cli_settings *settings, cli_scene *scene)
{
    const kerf_network *network = scene->network;
    scene->pins = kerf_calloc(settings->pins.n, sizeof *scene->pins);
    scene->sides = kerf_calloc(settings->pins.n, sizeof *scene->sides);
    if (!scene->pins || !scene->sides)
        return cli_error(CLI_FAILED, "out of memory");
    for (size_t i = 0; i < settings->pins.n; i++) {
        size_t length = 0;
        const char *word = settings->pins.items[i];
        const kerf_tier tier = cli_pin_tier(word, &length);
        if (tier == KERF_TIER_CLOUD && !settings->cloud)
            return cli_error(CLI_USAGE, "--pin %s: there is no cloud without --cloud", word);
        char *name = kerf_strndup(word, length);
        if (!name)
            return cli_error(CLI_FAILED, "out of memory");
        const size_t found = kerf_network_find_operator(network, name);
        free(name);
        if (found == KERF_NONE)
            return cli_error(CLI_USAGE,
                             "--pin: network '%s' has no operator '%.*s'; "
                             "'kerf inspect' lists its operators",
                             network->name, (int)length, word);
        scene->pins[i] = (kerf_tier_pin){.operator_index = found, .tier = tier};
        const kerf_side side = tier == KERF_TIER_DEVICE ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
        scene->sides[i] = (kerf_pin){.operator_index = found, .side = side};
    }
    return CLI_DONE;
}

static void warn_of_pins(const cli_settings *settings, const cli_scene *scene)
{
    const kerf_question *q = &scene->question;
    for (size_t v = 0; v < q->n_variants; v++)
        for (size_t i = 0; i < q->n_pins; i++) {
            const char *name = q->network->operators[q->pins[i].operator_index].name;
            if (kerf_network_find_operator(q->variants[v].network, name) != KERF_NONE)
                continue;
            cli_warning(settings->quiet,
                        "variant '%s' lacks the pinned operator '%.100s': it is not chosen",
                        q->variants[v].name, name);
            break;
        }
}

static void ask(const cli_settings *settings, cli_scene *scene)
{
    scene->question = (kerf_question){.network = scene->network,
                                      .device = scene->device,
                                      .server = scene->server,
                                      .link = scene->link,
                                      .power_mode = settings->power_mode,
                                      .device_profile = scene->device_profile,
                                      .server_profile = scene->server_profile,
                                      .server_load = settings->server_load,
                                      .objective = settings->objective,
                                      .weight_energy = settings->weight_energy,
                                      .weight_latency = settings->weight_latency,
                                      .limits = settings->limits,
                                      .pins = scene->sides,
                                      .n_pins = settings->pins.n,
                                      .wire = (kerf_wire)settings->wire,
                                      .input_bytes = settings->input_bytes,
                                      .result_at_server = settings->result == KERF_TIER_EDGE,
                                      .solver = (kerf_solver)settings->solver,
                                      .time_limit_s = settings->time_limit_s,
                                      .top = (size_t)settings->top};
    scene->question.limits.min_device_operators = (size_t)settings->min_device_operators;
}

cli_exit cli_scene_load(const cli_settings *settings, cli_scene *scene)
{
    *scene = (cli_scene){0};
    if (settings->result == KERF_TIER_CLOUD && !settings->cloud)
        return cli_error(CLI_USAGE, "--result cloud: there is no cloud without --cloud");
    cli_exit status =
        cli_load_device(CLI_DEVICE, either(settings->device, default_device), &scene->device);
    if (status == CLI_DONE && !mode_is_fine(scene->device, settings->power_mode))
        status = CLI_USAGE;
    if (status == CLI_DONE)
        status =
            cli_load_device(CLI_SERVER, either(settings->server, default_server), &scene->server);
    if (status == CLI_DONE)
        status = load_link(settings, &scene->link);
    if (status == CLI_DONE)
        status = cli_load_network(settings, false, &scene->network);
    if (status == CLI_DONE)
        status = cli_load_profile(settings->device_profile, scene->network, &scene->device_profile);
    if (status == CLI_DONE)
        status = cli_load_profile(settings->server_profile, scene->network, &scene->server_profile);
    if (status == CLI_DONE)
        status = find_pins(settings, scene);
    if (status != CLI_DONE)
        return status;
    ask(settings, scene);
    if (settings->variants)
        status = cli_variants_load(settings->variants, settings, scene);
    if (status == CLI_DONE)
        status = cli_encodings_choose(settings, scene);
    if (status == CLI_DONE)
        warn_of_pins(settings, scene);
    return status;
}

cli_scene cli_scene_choose(const cli_scene *scene, const kerf_plan *plan)
{
    cli_scene chosen = *scene;
    chosen.question = kerf_plan_question(&scene->question, plan);
    chosen.network = (kerf_network *)chosen.question.network;
    if (chosen.network == scene->network) {
        chosen.question.pins = scene->question.pins;
        chosen.question.n_pins = scene->question.n_pins;
    }
    return chosen;
}

void cli_scene_clear(cli_scene *scene)
{
    cli_variants_clear(scene);
    free(scene->pins);
    free(scene->sides);
    kerf_profile_destroy(&scene->device_profile);
    kerf_profile_destroy(&scene->server_profile);
    kerf_link_destroy(&scene->link);
    kerf_device_destroy(&scene->server);
    kerf_device_destroy(&scene->device);
    kerf_network_destroy(&scene->network);
    *scene = (cli_scene){0};
}

size_t cli_device_operators(const kerf_network *network, const kerf_side *side)
{
    size_t n = 0;
    for (size_t i = 0; i < network->n_operators; i++)
        n += side[i] == KERF_SIDE_DEVICE;
    return n;
}
