/* Scenario files: configs/schema/scenario.json describes them. */
#include "planner/simulate/scenario_read.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- what the parts share --- */

bool scenario_fail(const kerf_json *at, kerf_status status, const kerf_error *err)
{
    char line[sizeof *err];
    return kerf_json_fail(at, status, "%.700s", kerf_error_line(err, line, sizeof line));
}

bool scenario_copy(const kerf_json *object, const char *key, kerf_presence presence, char **copy)
{
    const char *text = NULL;
    if (!kerf_json_string(object, key, presence, &text))
        return !kerf_json_failed(object->doc);
    *copy = kerf_strdup(text);
    return *copy || kerf_json_fail(object, KERF_E_NOMEM, "out of memory");
}

bool scenario_positive(const kerf_json *object, const char *key, kerf_quantity kind,
                       kerf_presence presence, double *value)
{
    kerf_json at;
    double read = 0;
    if (!kerf_json_quantity(object, key, kind, presence, &read) ||
        !kerf_json_member(object, key, presence, &at))
        return !kerf_json_failed(object->doc);
    if (!(read > 0))
        return kerf_json_fail(&at, KERF_E_INVALID, "is 0, expected more");
    *value = read;
    return true;
}

bool scenario_count(const kerf_json *object, const char *key, kerf_presence presence, size_t low,
                    size_t high, size_t *value)
{
    int64_t read = 0;
    if (!kerf_json_integer(object, key, presence, (int64_t)low, (int64_t)high, &read))
        return !kerf_json_failed(object->doc);
    *value = (size_t)read;
    return true;
}

bool scenario_choice(const kerf_json *object, const char *key, const char *const *words,
                     int *choice)
{
    kerf_json at;
    const char *text = "";
    if (!kerf_json_member(object, key, KERF_OPTIONAL, &at) || !kerf_json_as_string(&at, &text))
        return !kerf_json_failed(object->doc);
    char known[200] = "";
    for (size_t i = 0, used = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *choice = (int)i;
            return true;
        }
        const int n =
            snprintf(known + used, sizeof known - used, "%s\"%s\"", i ? ", " : "", words[i]);
        used = n > 0 && used + (size_t)n < sizeof known ? used + (size_t)n : used;
    }
    return kerf_json_fail(&at, KERF_E_INVALID, "is \"%.60s\", expected one of %s", text, known);
}

bool scenario_reference(const kerf_json *object, const char *key, kerf_presence presence,
                        const char *what, const void *list, size_t n, size_t size, size_t *index)
{
    kerf_json at;
    const char *text = "";
    if (!kerf_json_member(object, key, presence, &at) || !kerf_json_as_string(&at, &text))
        return !kerf_json_failed(object->doc);
    for (size_t i = 0; i < n; i++) {
        char *name; /* the first member of each */
        memcpy(&name, (const char *)list + i * size, sizeof name);
        if (strcmp(name, text) == 0) {
            *index = i;
            return true;
        }
    }
    return kerf_json_fail(&at, KERF_E_INVALID, "is \"%.60s\", expected the name of one of the %s",
                          text, what);
}

size_t scenario_members(const kerf_json *object)
{
    void *iterator = NULL;
    kerf_json member;
    size_t n = 0;
    while (kerf_json_next(object, &iterator, &member))
        n++;
    return n;
}

bool scenario_find(const scenario_reader *r, const kerf_json *at, const char *kind, char **path)
{
    const char *name = "";
    kerf_error err = {0};
    if (!kerf_json_as_string(at, &name))
        return false;
    /* What looks like a file is beside the scenario, whoever else could find it. */
    const char *dot = strrchr(name, '.');
    const bool is_file =
        strchr(name, '/') || (dot && (strcmp(dot, ".json") == 0 || strcmp(dot, ".onnx") == 0));
    if (is_file || !r->options || !r->options->find) {
        *path = kerf_path_beside(r->path, name);
        return *path || kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    }
    const kerf_status status = r->options->find(r->options->find_context, kind, name, path, &err);
    return status == KERF_OK || scenario_fail(at, status, &err);
}

/* --- the whole --- */

static bool read_times(const kerf_json *root, kerf_scenario *s)
{
    kerf_json at;
    int64_t seed = 1;
    s->replications = 1;
    scenario_positive(root, "duration", KERF_TIME, KERF_REQUIRED, &s->duration_s);
    kerf_json_quantity(root, "warmup", KERF_TIME, KERF_OPTIONAL, &s->warmup_s);
    kerf_json_integer(root, "seed", KERF_OPTIONAL, 0, INT64_MAX, &seed);
    scenario_count(root, "replications", KERF_OPTIONAL, 1, 100000, &s->replications);
    s->seed = (uint64_t)seed;
    if (kerf_json_failed(root->doc))
        return false;
    if (s->duration_s > 1e9 && kerf_json_member(root, "duration", KERF_REQUIRED, &at))
        return kerf_json_fail(&at, KERF_E_INVALID, "is %g s, expected at most 1e9 s",
                              s->duration_s);
    if (s->warmup_s >= s->duration_s && kerf_json_member(root, "warmup", KERF_OPTIONAL, &at))
        return kerf_json_fail(&at, KERF_E_INVALID, "is %g s, expected less than the duration",
                              s->warmup_s);
    return true;
}

static bool read_root(scenario_reader *r, const kerf_json *root)
{
    kerf_scenario *s = r->scenario;
    scenario_copy(root, "name", KERF_REQUIRED, &s->name);
    scenario_copy(root, "description", KERF_OPTIONAL, &s->description);
    scenario_copy(root, "source", KERF_OPTIONAL, &s->source);
    return read_times(root, s) && scenario_read_access_points(r, root) &&
           scenario_read_links(r, root) && scenario_read_servers(r, root) &&
           scenario_read_policies(r, root) && scenario_read_groups(r, root) &&
           scenario_read_faults(r, root) && kerf_json_done(root);
}

static kerf_status read_scenario(kerf_json_doc *doc, const char *path,
                                 const kerf_scenario_options *options, kerf_scenario **scenario,
                                 kerf_error *err)
{
    kerf_scenario *made = kerf_calloc(1, sizeof *made);
    if (made)
        made->path = kerf_strdup(path);
    if (!made || !made->path) {
        kerf_json_close(&doc);
        kerf_scenario_destroy(&made);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    kerf_json root = kerf_json_root(doc);
    scenario_reader r = {made, path, options};
    read_root(&r, &root);
    const kerf_status status = kerf_json_close(&doc);
    if (status == KERF_OK)
        *scenario = made;
    else
        kerf_scenario_destroy(&made);
    return status;
}

kerf_status kerf_scenario_load(const char *path, const kerf_scenario_options *options,
                               kerf_scenario **scenario, kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    kerf_error_clear(err);
    kerf_status status = kerf_json_open(path, "kerf-scenario/1", &doc, err);
    if (status == KERF_OK)
        status = read_scenario(doc, path, options, scenario, err);
    if (status != KERF_OK)
        kerf_error_source(err, path);
    return status;
}

kerf_status kerf_scenario_parse(const char *text, size_t size, const char *source,
                                const kerf_scenario_options *options, kerf_scenario **scenario,
                                kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    kerf_error_clear(err);
    kerf_status status = kerf_json_parse(text, size, source, "kerf-scenario/1", &doc, err);
    if (status == KERF_OK)
        status = read_scenario(doc, source, options, scenario, err);
    if (status != KERF_OK)
        kerf_error_source(err, source);
    return status;
}

static void clear_link(sim_link *link)
{
    free(link->name);
    kerf_link_destroy(&link->link);
    kerf_trace_destroy(&link->trace[0]);
    kerf_trace_destroy(&link->trace[1]);
    kerf_trace_destroy(&link->rtt);
    free(link->faults.listed);
}

static void clear_group(sim_group *group)
{
    free(group->name);
    free(group->power_mode);
    kerf_device_destroy(&group->device);
    kerf_network_destroy(&group->network);
    kerf_profile_destroy(&group->device_profile);
    kerf_profile_destroy(&group->server_profile);
    free(group->arrivals.stamp_s);
    if (group->policy)
        sim_policy_clear(group->policy);
    free(group->policy);
}

void kerf_scenario_destroy(kerf_scenario **scenario)
{
    if (!scenario || !*scenario)
        return;
    kerf_scenario *s = *scenario;
    for (size_t i = 0; i < s->n_links; i++)
        clear_link(&s->links[i]);
    for (size_t i = 0; i < s->n_access_points; i++) {
        free(s->access_points[i].name);
        kerf_trace_destroy(&s->access_points[i].trace[0]);
        kerf_trace_destroy(&s->access_points[i].trace[1]);
        free(s->access_points[i].faults.listed);
    }
    for (size_t i = 0; i < s->n_servers; i++) {
        free(s->servers[i].name);
        kerf_device_destroy(&s->servers[i].device);
        free(s->servers[i].faults.listed);
    }
    for (size_t i = 0; i < s->n_groups; i++)
        clear_group(&s->groups[i]);
    for (size_t i = 0; i < s->n_policies; i++)
        sim_policy_clear(&s->policies[i]);
    free(s->links);
    free(s->access_points);
    free(s->servers);
    free(s->groups);
    free(s->policies);
    free(s->name);
    free(s->description);
    free(s->source);
    free(s->path);
    free(s);
    *scenario = NULL;
}

kerf_scenario_summary kerf_scenario_describe(const kerf_scenario *s)
{
    kerf_scenario_summary summary = {.name = s->name,
                                     .description = s->description ? s->description : "",
                                     .source = s->source ? s->source : "",
                                     .groups = s->n_groups,
                                     .policies = s->n_policies,
                                     .links = s->n_links,
                                     .servers = s->n_servers,
                                     .duration_s = s->duration_s,
                                     .warmup_s = s->warmup_s,
                                     .seed = s->seed,
                                     .replications = s->replications};
    for (size_t i = 0; i < s->n_groups; i++)
        summary.devices += s->groups[i].count;
    return summary;
}
