#include "planner/cli/split.h"

#include "base/file.h"
#include "base/memory.h"
#include "planner/bind.h"
#include "planner/cli/commands.h"
#include "planner/cli/plan.h"
#include "planner/cli/table.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct split_job {
    const cli_settings *settings;
    cli_scene scene;
    kerf_plan *plan; /* NULL: the placement was given */
    cli_placement placement;
    char *manifest_path;
    char *manifest; /* its text, as it was written */
} split_job;

/* --- manifest ----------------------------------------------------------------------------------
 */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* As it is found from the manifest: by name alone in the same folder, else as it was given. */
static const char *seen_from(const char *manifest, const char *path)
{
    const size_t a = (size_t)(base_of(manifest) - manifest), b = (size_t)(base_of(path) - path);
    return a == b && strncmp(manifest, path, a) == 0 ? base_of(path) : path;
}

static json_t *file_json(cli_json *j, const split_job *job, const kerf_split_file *file)
{
    if (!file->path)
        return json_null();
    json_t *o = json_object();
    cli_json_text(j, o, "file", seen_from(job->manifest_path, file->path));
    cli_json_count(j, o, "bytes", file->bytes);
    cli_json_text(j, o, "sha256", file->sha256);
    cli_json_count(j, o, "operators", (int64_t)file->operators);
    if (file->data_path) {
        json_t *data = json_object();
        cli_json_text(j, data, "file", seen_from(job->manifest_path, file->data_path));
        cli_json_count(j, data, "bytes", file->data_bytes);
        cli_json_text(j, data, "sha256", file->data_sha256);
        cli_json_put(j, o, "data", data);
    }
    return o;
}

static json_t *source_json(cli_json *j, const kerf_split *split)
{
    json_t *o = json_object();
    cli_json_text(j, o, "file", base_of(split->source));
    cli_json_count(j, o, "bytes", split->source_bytes);
    cli_json_text(j, o, "sha256", split->source_sha256);
    return o;
}

static json_t *crossing_json(cli_json *j, const kerf_network *net, const kerf_crossing *c)
{
    const kerf_tensor *t = &net->tensors[c->tensor];
    json_t *o = json_object(), *shape = json_array();
    cli_json_text(j, o, "name", t->name);
    cli_json_text(j, o, "type", kerf_type_name(t->type));
    for (int i = 0; i < t->rank; i++)
        cli_json_append(j, shape, json_integer((json_int_t)t->dims[i]));
    cli_json_put(j, o, "shape", shape);
    cli_json_count(j, o, "bytes", t->bytes);
    cli_json_text(j, o, "producer",
                  c->is_input                ? "input"
                  : t->producer != KERF_NONE ? net->operators[t->producer].name
                                             : NULL);
    cli_json_text(j, o, "wire_name", c->wire_name);
    cli_json_text(j, o, "wire_type", kerf_type_name(c->wire_type));
    cli_json_count(j, o, "wire_bytes", c->wire_bytes);
    cli_json_put(j, o, "scale", c->scale > 0 ? cli_json_real(c->scale) : json_null());
    cli_json_put(j, o, "zero_point", c->scale > 0 ? json_integer(c->zero_point) : json_null());
    if (c->auxiliary)
        cli_json_bool(j, o, "auxiliary", true);
    return o;
}

static json_t *ports_json(cli_json *j, const kerf_network *net, const size_t *tensors, size_t n,
                          const kerf_side *side)
{
    static const char *const sides[] = {
        [KERF_SIDE_FREE] = "both", [KERF_SIDE_DEVICE] = "device", [KERF_SIDE_SERVER] = "server"};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();
        cli_json_text(j, o, "name", net->tensors[tensors[i]].name);
        cli_json_text(j, o, "side", sides[side[i]]);
        cli_json_append(j, list, o);
    }
    return list;
}

/* Without what differs from run to run, so that equal splits have equal manifests. */
static json_t *plan_json(cli_json *j, const split_job *job)
{
    json_t *document = job->plan ? cli_plan_document(j, &job->scene, job->plan)
                                 : json_incref(job->placement.document);
    if (document)
        json_object_del(document, "solve_time_s");
    return document;
}

static json_t *manifest_json(cli_json *j, const split_job *job, const kerf_split *split)
{
    const kerf_network *net = job->scene.network;
    json_t *o = json_object(), *crossing = json_array();
    cli_json_text(j, o, "format", "kerf-split/1");
    cli_json_text(j, o, "kerf", kerf_version());
    cli_json_text(j, o, "split_id", split->split_id);
    cli_json_put(j, o, "source", source_json(j, split));
    cli_json_put(j, o, "head", file_json(j, job, &split->head));
    cli_json_put(j, o, "tail", file_json(j, job, &split->tail));
    cli_json_text(j, o, "wire", kerf_wire_name(split->wire));
    for (size_t i = 0; i < split->n_crossing; i++)
        cli_json_append(j, crossing, crossing_json(j, net, &split->crossing[i]));
    cli_json_put(j, o, "crossing", crossing);
    cli_json_put(j, o, "inputs", ports_json(j, net, net->inputs, net->n_inputs, split->input_side));
    cli_json_put(j, o, "outputs",
                 ports_json(j, net, net->outputs, net->n_outputs, split->output_side));
    cli_json_put(j, o, "plan", plan_json(j, job));
    return o;
}

static char *make_manifest(void *context, const kerf_split *split)
{
    split_job *job = context;
    cli_json j = {false};
    json_t *document = manifest_json(&j, job, split);
    char *text = j.failed || !document ? NULL : json_dumps(document, JSON_INDENT(2));
    json_decref(document);
    char *line = text ? kerf_calloc(strlen(text) + 2, 1) : NULL;
    if (line)
        snprintf(line, strlen(text) + 2, "%s\n", text);
    free(text);
    free(job->manifest);
    job->manifest = line ? kerf_strdup(line) : NULL;
    return line;
}

/* --- for people ---------------------------------------------------------------------------------
 */

static void put_file(cli_table *table, const char *what, const kerf_split_file *file)
{
    if (!file->path)
        return;
    cli_table_cell(table, "%s", what);
    cli_table_cell(table, "%s", file->path);
    cli_table_cell(table, "%zu operators", file->operators);
    cli_table_quantity(table, (double)(file->bytes + file->data_bytes), KERF_SIZE);
}

static cli_exit print_table(const split_job *job, const kerf_split *split)
{
    cli_table *table = cli_table_create("lflr", CLI_WIDTH);
    if (!table)
        return cli_error(CLI_FAILED, "out of memory");
    put_file(table, "head", &split->head);
    put_file(table, "tail", &split->tail);
    for (size_t i = 0; i < split->n_crossing && split->head.path; i++) {
        const kerf_crossing *c = &split->crossing[i];
        cli_table_cell(table, "%s", i ? "" : "sent");
        cli_table_cell(table, "%s", c->wire_name);
        cli_table_cell(table, "%s", kerf_type_name(c->wire_type));
        cli_table_quantity(table, (double)c->wire_bytes, KERF_SIZE);
    }
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    printf("Described in %s\n", job->manifest_path);
    return printed ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}

/* A part that was not written, but whose file an earlier split has left. */
static void warn_left(bool quiet, const kerf_split_file *part, const char *path)
{
    if (!part->path && access(path, F_OK) == 0)
        cli_warning(quiet, "%s was there before and is no part of this split", path);
}

static void say(const split_job *job, const kerf_split_options *options, const kerf_split *split)
{
    const bool quiet = job->settings->quiet;
    warn_left(quiet, &split->head, options->head);
    warn_left(quiet, &split->tail, options->tail);
    if (!split->tail.path && !quiet)
        fputs("kerf: all operators are on the device: the head is the whole network, and there is "
              "no tail\n",
              stderr);
    if (!split->head.path && !quiet)
        fputs("kerf: all operators are on the server: the tail is the whole network, and there is "
              "no head\n",
              stderr);
    if (split->zero_weights)
        cli_warning(quiet, "%s has no weights: both parts have zeros in their place",
                    job->scene.network->name);
    for (size_t i = 0; i < split->n_crossing; i++)
        if (split->crossing[i].auxiliary)
            cli_warning(quiet,
                        "%s crosses too: the server needs it, and it varies with the input's shape",
                        split->crossing[i].wire_name);
}

/* --- the command ---------------------------------------------------------------------------------
 */

static cli_exit check(const cli_settings *settings)
{
    kerf_error err = {0};
    if (kerf_split_check(settings->argument, settings->second, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    if (!settings->quiet)
        puts("They belong together.");
    return CLI_DONE;
}

static cli_exit make_plan(split_job *job)
{
    kerf_error err = {0};
    cli_exit status = cli_scene_load(job->settings, &job->scene);
    if (status != CLI_DONE)
        return status;
    const kerf_status made = cli_make_plan(job->settings, &job->scene, &job->plan, &err);
    if (made == KERF_OK)
        return CLI_DONE;
    return cli_report(
        made == KERF_E_INVALID || made == KERF_E_UNSUPPORTED ? CLI_USAGE : cli_exit_of(made), &err);
}

/* The plan was made now, and may have chosen what cannot be written from NETWORK's file. */
static cli_exit take_choice(const split_job *job, kerf_split_options *options)
{
    const cli_scene chosen = cli_scene_choose(&job->scene, job->plan);
    const kerf_encoding encoding = cut_encoding(&chosen.question);
    if (chosen.network != job->scene.network)
        return cli_error(
            CLI_FAILED,
            "%s: the plan chose the variant '%s', which is another network: split that "
            "one, with a plan for it alone",
            job->scene.network->source, chosen.question.variants->name);
    if (encoding.ratio > 0 && encoding.ratio < 1)
        return cli_error(CLI_FAILED,
                         "%s: the plan chose the encoding '%s', which compresses; the parts can "
                         "convert types alone: give --wire float16 or int8, or leave it out",
                         job->scene.network->source, encoding.name);
    options->wire = encoding.wire;
    return CLI_DONE;
}

static cli_exit place(split_job *job, kerf_split_options *options)
{
    const cli_settings *s = job->settings;
    options->wire = (kerf_wire)s->wire;
    if (!s->plan_file) {
        const cli_exit made = make_plan(job);
        return made == CLI_DONE ? take_choice(job, options) : made;
    }
    if (s->wire_name && options->wire == KERF_WIRE_OWN)
        return cli_error(CLI_USAGE, "--wire: '%s': with --plan, expected float32, float16 or int8",
                         s->wire_name);
    cli_exit status = cli_load_network(s, false, &job->scene.network);
    if (status == CLI_DONE)
        status = cli_read_placement(s->plan_file, job->scene.network, &job->placement);
    if (options->wire == KERF_WIRE_OWN)
        options->wire = job->placement.wire;
    return status;
}

static cli_exit write_parts(split_job *job, const kerf_split_options *options)
{
    kerf_error err = {0};
    kerf_split *split = NULL;
    const kerf_side *side = job->plan ? job->plan->side : job->placement.side;
    const kerf_status written = kerf_split_write(job->scene.network, side, options, &split, &err);
    if (written != KERF_OK)
        return cli_report(cli_exit_of(written), &err);
    cli_exit status = CLI_DONE;
    say(job, options, split);
    if (job->settings->json)
        fputs(job->manifest, stdout);
    else
        status = print_table(job, split);
    if (status == CLI_DONE && job->plan && !job->plan->optimal) {
        status = CLI_STOPPED;
        cli_warning(job->settings->quiet,
                    "stopped at the time limit: the plan may be up to %.3g %% from the best",
                    100 * job->plan->gap);
    }
    if (!job->plan && split->n_crossing && options->wire != job->placement.wire)
        cli_warning(job->settings->quiet,
                    "%s was planned for --wire %s: its costs, which the manifest repeats, are not "
                    "those of %s",
                    job->settings->plan_file, kerf_wire_name(job->placement.wire),
                    kerf_wire_name(options->wire));
    kerf_split_destroy(&split);
    return status;
}

cli_exit cli_split(const cli_settings *settings)
{
    if (settings->check)
        return check(settings);
    split_job job = {.settings = settings};
    kerf_range *ranges = NULL;
    kerf_split_options options = {.head = settings->head ? settings->head : "head.onnx",
                                  .tail = settings->tail ? settings->tail : "tail.onnx",
                                  .force = settings->force,
                                  .make_manifest = make_manifest,
                                  .context = &job};
    signal(SIGXFSZ, SIG_IGN); /* a file that may grow no further is an error like any other */
    job.manifest_path = settings->manifest ? kerf_strdup(settings->manifest)
                                           : kerf_path_beside(options.head, "split.json");
    options.manifest = job.manifest_path;
    cli_exit status = CLI_FAILED;
    if (!job.manifest_path)
        cli_error(CLI_FAILED, "out of memory");
    else
        status = cli_read_ranges(settings->ranges, &ranges, &options.n_ranges);
    options.ranges = ranges;
    if (status == CLI_DONE)
        status = place(&job, &options);
    if (status == CLI_DONE)
        status = write_parts(&job, &options);
    cli_ranges_clear(ranges, options.n_ranges);
    kerf_plan_destroy(&job.plan);
    cli_placement_clear(&job.placement);
    cli_scene_clear(&job.scene);
    free(job.manifest_path);
    free(job.manifest);
    return status;
}
