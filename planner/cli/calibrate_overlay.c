/* Reads what a profile says beyond measurements. */
#include "planner/cli/calibrate.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_MODES   63
#define MAX_ASSUMED 100

static bool no_memory(const kerf_json *at)
{
    return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

static bool read_text(const kerf_json *object, const char *key, kerf_presence presence, char **text)
{
    const char *value = NULL;
    if (!kerf_json_string(object, key, presence, &value))
        return !kerf_json_failed(object->doc);
    *text = kerf_strdup(value);
    return *text || no_memory(object);
}

static bool read_clocks(const kerf_json *object, cli_clocks *clocks)
{
    kerf_json at;
    if (!kerf_json_object(object, "clocks", KERF_OPTIONAL, &at))
        return !kerf_json_failed(object->doc);
    return kerf_json_quantity(&at, "gpu", KERF_FREQUENCY, KERF_REQUIRED, &clocks->gpu) &&
           kerf_json_quantity(&at, "memory", KERF_FREQUENCY, KERF_REQUIRED, &clocks->memory) &&
           kerf_json_quantity(&at, "cpu", KERF_FREQUENCY, KERF_REQUIRED, &clocks->cpu) &&
           kerf_json_done(&at);
}

static bool positive(const cli_clocks *clocks)
{
    return clocks->gpu > 0 && clocks->memory > 0 && clocks->cpu > 0;
}

static bool read_mode(const kerf_json *at, cli_derived_mode *mode)
{
    mode->budget_W = INFINITY;
    mode->active_W = NAN;
    if (!kerf_json_as_object(at) || !read_text(at, "name", KERF_REQUIRED, &mode->name) ||
        !read_text(at, "basis", KERF_REQUIRED, &mode->basis) || !read_clocks(at, &mode->clocks))
        return false;
    if (!positive(&mode->clocks))
        return kerf_json_fail(at, KERF_E_INVALID, "has no \"clocks\" above 0, expected them");
    kerf_json_quantity(at, "budget", KERF_POWER, KERF_OPTIONAL, &mode->budget_W);
    kerf_json_quantity(at, "active", KERF_POWER, KERF_OPTIONAL, &mode->active_W);
    return kerf_json_quantity(at, "idle", KERF_POWER, KERF_REQUIRED, &mode->idle_W) &&
           kerf_json_done(at);
}

static bool read_modes(const kerf_json *root, cli_overlay *overlay)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(root, "modes", KERF_OPTIONAL, &array, &n))
        return !kerf_json_failed(root->doc);
    if (n > MAX_MODES)
        return kerf_json_fail(&array, KERF_E_TOO_LARGE, "has %zu modes, expected at most %d", n,
                              MAX_MODES);
    overlay->modes = kerf_calloc(n, sizeof *overlay->modes);
    if (!overlay->modes)
        return no_memory(&array);
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(&array, i);
        overlay->n_modes = i + 1;
        if (!read_mode(&at, &overlay->modes[i]))
            return false;
    }
    if (n > 0 && !positive(&overlay->clocks))
        return kerf_json_fail(&array, KERF_E_INVALID,
                              "needs the measured mode's \"clocks\" beside it, to scale from");
    return true;
}

static bool unit_of(const char *name, kerf_quantity *kind)
{
    static const struct {
        const char *part;
        kerf_quantity latency, energy;
    } kinds[] = {
        {"per_mac/", KERF_TIME_PER_MAC, KERF_ENERGY_PER_MAC},
        {"per_byte", KERF_TIME_PER_BYTE, KERF_ENERGY_PER_BYTE},
        {"more_per_byte/", KERF_TIME_PER_BYTE, KERF_ENERGY_PER_BYTE},
        {"more_per_weight_byte/", KERF_TIME_PER_BYTE, KERF_ENERGY_PER_BYTE},
        {"per_kernel", KERF_TIME_PER_KERNEL, KERF_ENERGY_PER_KERNEL},
        {"active", KERF_POWER, KERF_POWER},
        {"", KERF_TIME, KERF_ENERGY},
    };
    const bool energy = strncmp(name, "energy/", 7) == 0;
    if (!energy && strncmp(name, "latency/", 8) != 0)
        return false;
    const char *rest = name + (energy ? 7 : 8);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(rest, kinds[i].part, strlen(kinds[i].part)) == 0) {
            *kind = energy ? kinds[i].energy : kinds[i].latency;
            return true;
        }
    }
    return false;
}

/* Whether the name is a coefficient's is for the calibration to say. */
static bool read_assumed(const kerf_json *root, cli_overlay *overlay)
{
    kerf_json object, entry;
    if (!kerf_json_object(root, "assumed", KERF_OPTIONAL, &object))
        return !kerf_json_failed(root->doc);
    size_t n = json_object_size(object.value);
    if (n > MAX_ASSUMED)
        return kerf_json_fail(&object, KERF_E_TOO_LARGE, "has %zu entries, expected at most %d", n,
                              MAX_ASSUMED);
    overlay->assumed = kerf_calloc(n, sizeof *overlay->assumed);
    if (!overlay->assumed)
        return no_memory(&object);
    void *iterator = NULL;
    while (kerf_json_next(&object, &iterator, &entry)) {
        struct kerf_assumed *assumed = &overlay->assumed[overlay->n_assumed];
        kerf_quantity kind = KERF_TIME;
        if (!unit_of(entry.key, &kind))
            return kerf_json_fail(&entry, KERF_E_INVALID,
                                  "is no coefficient, expected one such as "
                                  "\"latency/per_mac/conv\" or \"energy/launch\"");
        if (!kerf_json_as_quantity(&entry, kind, &assumed->value))
            return false;
        assumed->name = kerf_strdup(entry.key);
        if (!assumed->name)
            return no_memory(&entry);
        overlay->n_assumed++;
    }
    return !kerf_json_failed(root->doc);
}

static bool read_overlay(const kerf_json *root, cli_overlay *o)
{
    kerf_json_quantity(root, "idle", KERF_POWER, KERF_OPTIONAL, &o->idle_W);
    kerf_json_quantity(root, "active", KERF_POWER, KERF_OPTIONAL, &o->active_W);
    kerf_json_bool(root, "hidden", KERF_OPTIONAL, &o->hidden);
    kerf_json_bool(root, "drop_contradictions", KERF_OPTIONAL, &o->drop_contradictions);
    if (kerf_json_failed(root->doc) || !read_text(root, "name", KERF_OPTIONAL, &o->name) ||
        !read_text(root, "description", KERF_OPTIONAL, &o->description) ||
        !read_text(root, "provenance", KERF_OPTIONAL, &o->provenance) ||
        !read_text(root, "assumptions", KERF_OPTIONAL, &o->assumptions) ||
        !read_text(root, "memory", KERF_OPTIONAL, &o->memory) ||
        !read_text(root, "mode", KERF_OPTIONAL, &o->mode) ||
        !read_text(root, "default_mode", KERF_OPTIONAL, &o->default_mode) ||
        !read_text(root, "latency_form", KERF_OPTIONAL, &o->latency_form) ||
        !read_text(root, "energy_form", KERF_OPTIONAL, &o->energy_form) ||
        !read_clocks(root, &o->clocks) || !read_modes(root, o) || !read_assumed(root, o))
        return false;
    if (o->hidden && o->n_modes == 0)
        return kerf_json_fail(root, KERF_E_INVALID,
                              "hides the measured mode and has no \"modes\", expected some");
    return kerf_json_done(root);
}

kerf_status cli_overlay_load(const char *path, cli_overlay *overlay, kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    cli_overlay read = {.idle_W = NAN, .active_W = NAN};
    kerf_status status = kerf_json_open(path, "kerf-overlay/1", &doc, err);
    if (status != KERF_OK)
        return status;
    kerf_json root = kerf_json_root(doc);
    read_overlay(&root, &read);
    status = kerf_json_close(&doc);
    if (status == KERF_OK)
        *overlay = read;
    else
        cli_overlay_clear(&read);
    return status;
}

void cli_overlay_clear(cli_overlay *o)
{
    char *const texts[] = {o->name, o->description,  o->provenance,   o->assumptions, o->memory,
                           o->mode, o->default_mode, o->latency_form, o->energy_form};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; i < o->n_assumed; i++)
        free((char *)o->assumed[i].name);
    for (size_t i = 0; i < o->n_modes; i++) {
        free(o->modes[i].name);
        free(o->modes[i].basis);
    }
    free(o->assumed);
    free(o->modes);
    *o = (cli_overlay){0};
}
