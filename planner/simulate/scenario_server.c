/* A scenario's servers, faults and policies. */
#include "planner/simulate/scenario_read.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_MTBF_S 1e-3 /* what fails more often never works */

/* --- servers --- */

static bool load_profile(const scenario_reader *r, const kerf_json *at, kerf_device **device)
{
    kerf_json profile;
    kerf_error err = {0};
    char *path = NULL;
    if (!kerf_json_member(at, "server", KERF_REQUIRED, &profile) ||
        !scenario_find(r, &profile, "server", &path))
        return false;
    const kerf_status status = kerf_device_load(path, device, &err);
    free(path);
    return status == KERF_OK || scenario_fail(&profile, status, &err);
}

static bool read_batch(const kerf_json *at, sim_server *server)
{
    kerf_json batch;
    if (!kerf_json_object(at, "batch", KERF_OPTIONAL, &batch))
        return !kerf_json_failed(at->doc);
    server->batch_share = 1;
    scenario_count(&batch, "size", KERF_REQUIRED, 1, 1024, &server->batch);
    kerf_json_quantity(&batch, "delay", KERF_TIME, KERF_OPTIONAL, &server->batch_delay_s);
    kerf_json_number(&batch, "share", KERF_OPTIONAL, 0, 1, &server->batch_share);
    if (!kerf_json_failed(at->doc) && server->discipline == SIM_SHARING && server->batch > 1)
        return kerf_json_fail(&batch, KERF_E_INVALID,
                              "is for a server that serves first in, first out");
    return kerf_json_done(&batch);
}

static bool read_distribution(const kerf_json *at, sim_server *server)
{
    static const char *const words[] = {"constant", "exponential", "lognormal", NULL};
    int choice = 0;
    if (!scenario_choice(at, "service", words, &choice))
        return false;
    server->distribution = (sim_distribution)choice;
    server->variation = 0.25;
    if (server->distribution == SIM_LOGNORMAL)
        kerf_json_number(at, "variation", KERF_OPTIONAL, 1e-6, 100, &server->variation);
    return !kerf_json_failed(at->doc);
}

static bool read_server(const scenario_reader *r, const kerf_json *at, sim_server *server)
{
    static const char *const disciplines[] = {"fifo", "sharing", NULL};
    kerf_json load;
    int discipline = 0;
    server->name = kerf_strdup(at->key);
    if (!server->name)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    if (!kerf_json_as_object(at) || !load_profile(r, at, &server->device))
        return false;
    server->workers = 1;
    server->batch = 1;
    server->queue = 1000000;
    kerf_json_quantity(at, "load", KERF_FRACTION, KERF_OPTIONAL, &server->load);
    if (!kerf_json_failed(at->doc) && server->load >= 1 &&
        kerf_json_member(at, "load", KERF_OPTIONAL, &load))
        return kerf_json_fail(&load, KERF_E_INVALID, "is %g, expected less than 1", server->load);
    scenario_count(at, "workers", KERF_OPTIONAL, 1, SIM_MAX_WORKERS, &server->workers);
    scenario_count(at, "queue", KERF_OPTIONAL, 0, 1000000, &server->queue);
    if (!scenario_choice(at, "discipline", disciplines, &discipline))
        return false;
    server->discipline = (sim_discipline)discipline;
    return read_distribution(at, server) && read_batch(at, server) && kerf_json_done(at);
}

bool scenario_read_servers(scenario_reader *r, const kerf_json *root)
{
    kerf_json list, member;
    void *iterator = NULL;
    kerf_scenario *s = r->scenario;
    if (!kerf_json_object(root, "servers", KERF_REQUIRED, &list))
        return false;
    const size_t n = scenario_members(&list);
    s->servers = kerf_calloc(n, sizeof *s->servers);
    if (!s->servers)
        return kerf_json_fail(&list, KERF_E_NOMEM, "out of memory");
    while (s->n_servers < n && kerf_json_next(&list, &iterator, &member)) {
        sim_server *server = &s->servers[s->n_servers++];
        if (!read_server(r, &member, server))
            return false;
    }
    return true;
}

/* --- faults --- */

static bool read_interval(const kerf_json *at, double before, double interval[2])
{
    size_t n = 0;
    if (!kerf_json_as_array(at, &n))
        return false;
    if (n != 2)
        return kerf_json_fail(at, KERF_E_INVALID, "has %zu elements, expected from when to when",
                              n);
    for (size_t i = 0; i < 2; i++) {
        kerf_json item = kerf_json_at(at, i);
        if (!kerf_json_as_quantity(&item, KERF_TIME, &interval[i]))
            return false;
    }
    if (!(interval[1] > interval[0]) || interval[0] < before)
        return kerf_json_fail(at, KERF_E_INVALID,
                              "is from %g s to %g s, expected intervals one after the other",
                              interval[0], interval[1]);
    return true;
}

static bool read_times(const kerf_json *at, sim_faults *faults)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(at, "times", KERF_OPTIONAL, &list, &n))
        return !kerf_json_failed(at->doc);
    faults->listed = kerf_calloc(n, sizeof *faults->listed);
    if (!faults->listed)
        return kerf_json_fail(&list, KERF_E_NOMEM, "out of memory");
    for (; faults->n < n; faults->n++) {
        kerf_json item = kerf_json_at(&list, faults->n);
        const double before = faults->n > 0 ? faults->listed[faults->n - 1][1] : 0;
        if (!read_interval(&item, before, faults->listed[faults->n]))
            return false;
    }
    return true;
}

/* What the fault strikes: exactly one of the three. */
static bool find_target(const scenario_reader *r, const kerf_json *at, sim_faults **faults)
{
    const kerf_scenario *s = r->scenario;
    size_t link = KERF_NONE, point = KERF_NONE, server = KERF_NONE;
    if (!scenario_reference(at, "link", KERF_OPTIONAL, "links", s->links, s->n_links,
                            sizeof *s->links, &link) ||
        !scenario_reference(at, "access_point", KERF_OPTIONAL, "access_points", s->access_points,
                            s->n_access_points, sizeof *s->access_points, &point) ||
        !scenario_reference(at, "server", KERF_OPTIONAL, "servers", s->servers, s->n_servers,
                            sizeof *s->servers, &server))
        return false;
    if ((link != KERF_NONE) + (point != KERF_NONE) + (server != KERF_NONE) != 1)
        return kerf_json_fail(at, KERF_E_INVALID,
                              "expected one of \"link\", \"access_point\" and \"server\"");
    *faults = link != KERF_NONE    ? &s->links[link].faults
              : point != KERF_NONE ? &s->access_points[point].faults
                                   : &s->servers[server].faults;
    if ((*faults)->n > 0 || (*faults)->mtbf_s > 0)
        return kerf_json_fail(at, KERF_E_INVALID, "strikes what an earlier fault strikes already");
    return true;
}

static bool read_fault(const scenario_reader *r, const kerf_json *at)
{
    sim_faults *faults = NULL;
    if (!kerf_json_as_object(at) || !find_target(r, at, &faults) || !faults ||
        !read_times(at, faults))
        return false;
    scenario_positive(at, "mtbf", KERF_TIME, KERF_OPTIONAL, &faults->mtbf_s);
    scenario_positive(at, "mttr", KERF_TIME, KERF_OPTIONAL, &faults->mttr_s);
    if (kerf_json_failed(at->doc))
        return false;
    if ((faults->mtbf_s > 0) != (faults->mttr_s > 0))
        return kerf_json_fail(at, KERF_E_INVALID, "expected both \"mtbf\" and \"mttr\", or none");
    if (faults->mtbf_s > 0 && !(faults->mtbf_s >= LEAST_MTBF_S))
        return kerf_json_fail(at, KERF_E_INVALID, "has an mtbf of %g s, expected at least %g s",
                              faults->mtbf_s, LEAST_MTBF_S);
    if ((faults->n > 0) == (faults->mtbf_s > 0))
        return kerf_json_fail(at, KERF_E_INVALID, "expected either \"times\" or \"mtbf\"");
    return kerf_json_done(at);
}

bool scenario_read_faults(scenario_reader *r, const kerf_json *root)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(root, "faults", KERF_OPTIONAL, &list, &n))
        return !kerf_json_failed(root->doc);
    for (size_t i = 0; i < n; i++) {
        kerf_json item = kerf_json_at(&list, i);
        if (!read_fault(r, &item))
            return false;
    }
    return true;
}

/* --- policies --- */

static const struct {
    const char *name, *text;
} policies[KERF_POLICY_COUNT] = {
#define POLICY_ENTRY(code, word, what) [code] = {word, what},
    KERF_POLICY_LIST(POLICY_ENTRY)
#undef POLICY_ENTRY
};

const char *kerf_policy_name(kerf_policy_kind kind)
{
    return (size_t)kind < KERF_POLICY_COUNT ? policies[kind].name : "?";
}

const char *kerf_policy_text(kerf_policy_kind kind)
{
    return (size_t)kind < KERF_POLICY_COUNT ? policies[kind].text : "?";
}

void sim_policy_clear(sim_policy *policy)
{
    free(policy->name);
    free(policy->cut_operator);
    *policy = (sim_policy){0};
}

static kerf_status fail_unknown(const char *word, kerf_error *err)
{
    char known[300] = "";
    size_t used = 0;
    for (size_t k = 0; k < KERF_POLICY_COUNT && used < sizeof known; k++) {
        const int n = snprintf(known + used, sizeof known - used, "%s%s", k ? ", " : "",
                               k == KERF_POLICY_FIXED ? "fixed:OPERATOR" : policies[k].name);
        used += n > 0 ? (size_t)n : 0;
    }
    return kerf_fail(err, KERF_E_INVALID, NULL, "policy \"%.60s\" is unknown, expected %s", word,
                     known);
}

/* "conv3" or "12", after "fixed:". */
static bool set_cut(sim_policy *policy, const char *cut)
{
    char *end = NULL;
    if (strspn(cut, "0123456789") == strlen(cut) && strlen(cut) < 10)
        policy->cut_count = strtoul(cut, &end, 10);
    else
        policy->cut_operator = kerf_strdup(cut);
    return end || policy->cut_operator;
}

kerf_status sim_policy_parse(const char *word, sim_policy *policy, kerf_error *err)
{
    const char *colon = strchr(word, ':');
    const size_t length = colon ? (size_t)(colon - word) : strlen(word);
    sim_policy made = {.weight = 0.3, .hysteresis = 0.05, .probe_s = 5};
    size_t kind = 0;
    while (kind < KERF_POLICY_COUNT && (strlen(policies[kind].name) != length ||
                                        memcmp(policies[kind].name, word, length) != 0))
        kind++;
    if (kind == KERF_POLICY_COUNT || (colon != NULL) != (kind == KERF_POLICY_FIXED) ||
        (colon && !colon[1]))
        return fail_unknown(word, err);
    made.kind = (kerf_policy_kind)kind;
    made.name = kerf_strdup(word);
    if (!made.name || (colon && !set_cut(&made, colon + 1))) {
        sim_policy_clear(&made);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    *policy = made;
    return KERF_OK;
}

static bool read_options(const kerf_json *at, sim_policy *policy)
{
    const bool adaptive =
        policy->kind == KERF_POLICY_ADAPTIVE || policy->kind == KERF_POLICY_SERVICE;
    char *name = NULL;
    if (adaptive) {
        kerf_json_number(at, "weight", KERF_OPTIONAL, 1e-3, 1, &policy->weight);
        kerf_json_number(at, "hysteresis", KERF_OPTIONAL, 0, 10, &policy->hysteresis);
        scenario_positive(at, "probe", KERF_TIME, KERF_OPTIONAL, &policy->probe_s);
    }
    if (scenario_copy(at, "name", KERF_OPTIONAL, &name) && name) {
        free(policy->name);
        policy->name = name;
    }
    return kerf_json_done(at);
}

bool scenario_read_policy(const kerf_json *at, sim_policy *policy)
{
    kerf_json word = *at;
    const char *text = "";
    kerf_error err = {0};
    const bool is_object = json_is_object(at->value);
    if (is_object && !kerf_json_member(at, "policy", KERF_REQUIRED, &word))
        return false;
    if (!kerf_json_as_string(&word, &text))
        return false;
    const kerf_status status = sim_policy_parse(text, policy, &err);
    if (status != KERF_OK)
        return kerf_json_fail(&word, status, "%s", err.message);
    return !is_object || read_options(at, policy);
}

static bool check_name(const kerf_json *at, const kerf_scenario *s)
{
    for (size_t i = 0; i + 1 < s->n_policies; i++)
        if (strcmp(s->policies[i].name, s->policies[s->n_policies - 1].name) == 0)
            return kerf_json_fail(at, KERF_E_INVALID,
                                  "is a second policy called \"%.60s\"; give it a \"name\"",
                                  s->policies[i].name);
    return true;
}

/* Without any: the extremes, what was planned once, and the three that follow the link. */
static bool default_policies(const kerf_json *root, kerf_scenario *s)
{
    static const char *const words[] = {"all-device", "all-server", "static",
                                        "adaptive",   "oracle",     "hindsight"};
    const size_t n = sizeof words / sizeof *words;
    s->policies = kerf_calloc(n, sizeof *s->policies);
    for (size_t i = 0; s->policies && i < n; i++) {
        if (sim_policy_parse(words[i], &s->policies[i], NULL) != KERF_OK)
            return kerf_json_fail(root, KERF_E_NOMEM, "out of memory");
        s->n_policies++;
    }
    return s->policies || kerf_json_fail(root, KERF_E_NOMEM, "out of memory");
}

bool scenario_read_policies(scenario_reader *r, const kerf_json *root)
{
    kerf_json list;
    size_t n = 0;
    kerf_scenario *s = r->scenario;
    if (!kerf_json_array(root, "policies", KERF_OPTIONAL, &list, &n))
        return !kerf_json_failed(root->doc) && default_policies(root, s);
    if (n == 0 || n > 1000)
        return kerf_json_fail(&list, KERF_E_INVALID, "has %zu elements, expected 1 to 1000", n);
    s->policies = kerf_calloc(n, sizeof *s->policies);
    if (!s->policies)
        return kerf_json_fail(&list, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        kerf_json item = kerf_json_at(&list, i);
        s->n_policies++;
        if (!scenario_read_policy(&item, &s->policies[i]) || !check_name(&item, s))
            return false;
    }
    return true;
}
