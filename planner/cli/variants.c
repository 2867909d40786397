#include "planner/cli/variants.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_VARIANTS  1000
#define MOST_ENCODINGS 100
#define MOST_OUTPUTS   1000
#define MOST_NAME      63
#define LEAST_RATIO    1e-6

/* What is owned: every text and every network and profile that is the variants' alone. */
struct cli_variants {
    kerf_variant *list;
    size_t n;
    kerf_network **networks; /* by variant; NULL: the scene's */
    kerf_profile **profiles; /* two by variant; NULL: none, or the scene's */
    kerf_encoding *encodings;
    size_t n_encodings;
    char **texts;
    size_t n_texts, cap_texts;
};

typedef struct reader {
    const char *path;
    const cli_settings *settings;
    cli_scene *scene;
    struct cli_variants *v;
    bool reported; /* an error that is not of the file itself */
} reader;

/* --- texts --- */

static bool keep_text(reader *r, const kerf_json *at, const char *text, const char **kept)
{
    struct cli_variants *v = r->v;
    if (kerf_reserve(&v->texts, &v->cap_texts, v->n_texts + 1, SIZE_MAX / 2, sizeof *v->texts))
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    char *copy = kerf_strdup(text);
    if (!copy)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    v->texts[v->n_texts++] = copy;
    *kept = copy;
    return true;
}

/* A name as tables and scripts can take it. */
static bool read_name(reader *r, const kerf_json *object, const char **name)
{
    kerf_json at;
    const char *text;
    if (!kerf_json_member(object, "name", KERF_REQUIRED, &at) || !kerf_json_as_string(&at, &text))
        return false;
    if (!*text || strlen(text) > MOST_NAME)
        return kerf_json_fail(&at, KERF_E_INVALID,
                              "is %zu bytes long, expected a name of 1 to %d bytes", strlen(text),
                              MOST_NAME);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127)
            return kerf_json_fail(&at, KERF_E_INVALID,
                                  "holds a space or a control character, expected a plain name");
    return keep_text(r, &at, text, name);
}

/* --- encodings --- */

static bool read_wire(const kerf_json *object, kerf_wire *wire)
{
    kerf_json at;
    const char *text;
    if (!kerf_json_member(object, "type", KERF_OPTIONAL, &at))
        return !kerf_json_failed(object->doc);
    if (!kerf_json_as_string(&at, &text))
        return false;
    for (int i = KERF_WIRE_OWN; i <= KERF_WIRE_INT8; i++)
        if (strcmp(kerf_wire_name((kerf_wire)i), text) == 0) {
            *wire = (kerf_wire)i;
            return true;
        }
    return kerf_json_fail(&at, KERF_E_INVALID,
                          "is \"%.40s\", expected own, float32, float16 or int8", text);
}

static bool read_encoding(reader *r, const kerf_json *at)
{
    kerf_encoding *e = &r->v->encodings[r->v->n_encodings];
    *e = (kerf_encoding){.wire = KERF_WIRE_OWN, .ratio = 1, .accuracy_loss = (double)NAN};
    if (!kerf_json_as_object(at) || !read_name(r, at, &e->name) || !e->name ||
        !read_wire(at, &e->wire))
        return false;
    if (strcmp(e->name, "any") == 0)
        return kerf_json_fail(at, KERF_E_INVALID,
                              "is named any, which --wire takes for all of them");
    for (size_t i = 0; i < r->v->n_encodings; i++)
        if (strcmp(r->v->encodings[i].name, e->name) == 0)
            return kerf_json_fail(at, KERF_E_INVALID, "is the second encoding named %s", e->name);
    kerf_json_number(at, "ratio", KERF_OPTIONAL, LEAST_RATIO, 1, &e->ratio);
    kerf_json_quantity(at, "device_time", KERF_TIME_PER_BYTE, KERF_OPTIONAL, &e->device_s_per_byte);
    kerf_json_quantity(at, "device_energy", KERF_ENERGY_PER_BYTE, KERF_OPTIONAL,
                       &e->device_J_per_byte);
    kerf_json_quantity(at, "server_time", KERF_TIME_PER_BYTE, KERF_OPTIONAL, &e->server_s_per_byte);
    kerf_json_quantity(at, "server_energy", KERF_ENERGY_PER_BYTE, KERF_OPTIONAL,
                       &e->server_J_per_byte);
    kerf_json_number(at, "accuracy_loss", KERF_OPTIONAL, 0, 1, &e->accuracy_loss);
    r->v->n_encodings++;
    return kerf_json_done(at);
}

static bool read_encodings(reader *r, const kerf_json *root)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(root, "encodings", KERF_OPTIONAL, &array, &n))
        return !kerf_json_failed(root->doc);
    if (n == 0 || n > MOST_ENCODINGS)
        return kerf_json_fail(&array, KERF_E_INVALID, "lists %zu encodings, expected 1 to %d", n,
                              MOST_ENCODINGS);
    r->v->encodings = kerf_calloc(n, sizeof *r->v->encodings);
    if (!r->v->encodings)
        return kerf_json_fail(&array, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&array, i);
        if (!read_encoding(r, &at))
            return false;
    }
    return true;
}

/* --- networks --- */

/* A path is relative to the variants file; anything else is a bundled name. */
static char *resolve(reader *r, const kerf_json *at, const char *text)
{
    const size_t n = strlen(text);
    const bool is_path =
        strchr(text, '/') ||
        (n > 5 && (strcmp(text + n - 5, ".onnx") == 0 || strcmp(text + n - 5, ".json") == 0));
    kerf_error err = {0};
    char *path = NULL;
    if (is_path) {
        path = kerf_path_beside(r->path, text);
        if (!path)
            kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    } else if (cli_find(CLI_NETWORK, text, &path, &err) != KERF_OK) {
        kerf_json_fail(at, err.code, "%.400s", err.message);
    }
    return path;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return strcmp(a, b) == 0 ||
           (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static bool read_outputs(const kerf_json *object, cli_network_form *form)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(object, "outputs", KERF_OPTIONAL, &array, &n))
        return !kerf_json_failed(object->doc);
    if (n == 0 || n > MOST_OUTPUTS)
        return kerf_json_fail(&array, KERF_E_INVALID, "names %zu tensors, expected 1 to %d", n,
                              MOST_OUTPUTS);
    form->outputs = kerf_calloc(n, sizeof *form->outputs);
    if (!form->outputs)
        return kerf_json_fail(&array, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&array, i);
        if (!kerf_json_as_string(&at, &form->outputs[i]))
            return false;
        form->n_outputs++;
    }
    return true;
}

static bool read_shape(const kerf_json *at, cli_network_form *form)
{
    size_t rank = 0;
    if (!kerf_json_as_array(at, &rank))
        return false;
    if (rank > CLI_MAX_RANK)
        return kerf_json_fail(at, KERF_E_INVALID, "has %zu dimensions, expected at most %d", rank,
                              CLI_MAX_RANK);
    int64_t *dims = kerf_calloc(rank, sizeof *dims);
    if (!dims)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    form->inputs[form->n_inputs++] =
        (struct kerf_input_shape){.tensor = at->key, .dims = dims, .rank = rank};
    for (size_t i = 0; i < rank; i++) {
        const kerf_json size = kerf_json_at(at, i);
        if (!kerf_json_as_integer(&size, 1, 1000000000, &dims[i]))
            return false;
    }
    return true;
}

static bool read_shapes(const kerf_json *object, cli_network_form *form)
{
    kerf_json shapes, at;
    void *iterator = NULL;
    if (!kerf_json_object(object, "shapes", KERF_OPTIONAL, &shapes))
        return !kerf_json_failed(object->doc);
    form->inputs = kerf_calloc(json_object_size(shapes.value), sizeof *form->inputs);
    if (!form->inputs)
        return kerf_json_fail(&shapes, KERF_E_NOMEM, "out of memory");
    while (kerf_json_next(&shapes, &iterator, &at))
        if (!read_shape(&at, form))
            return false;
    return !kerf_json_failed(object->doc);
}

static void form_clear(cli_network_form *form)
{
    for (size_t i = 0; i < form->n_inputs; i++)
        free((int64_t *)form->inputs[i].dims);
    free(form->inputs);
    free(form->outputs);
}

/* --- profiles --- */

static void drop_group(struct kerf_measured_group *group)
{
    for (size_t i = 0; i < group->n_operators; i++)
        free(group->operators[i]);
    free(group->operators);
}

static bool is_whole(const struct kerf_measured_group *group, const kerf_network *part)
{
    for (size_t i = 0; i < group->n_operators; i++)
        if (kerf_network_find_operator(part, group->operators[i]) == KERF_NONE)
            return false;
    return true;
}

/* Groups that the part has no more all operators of can never be complete. */
static void keep_groups(kerf_profile *profile, const kerf_network *part)
{
    size_t kept = 0;
    for (size_t i = 0; i < profile->n_groups; i++) {
        if (is_whole(&profile->groups[i], part))
            profile->groups[kept++] = profile->groups[i];
        else
            drop_group(&profile->groups[i]);
    }
    profile->n_groups = kept;
}

/* The whole network's figures for the part of it that an early exit keeps. */
static void keep_part(kerf_profile *profile, const kerf_network *part)
{
    size_t kept = 0;
    for (size_t i = 0; i < profile->n_operators; i++) {
        if (kerf_network_find_operator(part, profile->operators[i].name) != KERF_NONE)
            profile->operators[kept++] = profile->operators[i];
        else
            free(profile->operators[i].name);
    }
    profile->n_operators = kept;
    keep_groups(profile, part);
}

static bool load_profile(reader *r, const char *path, const kerf_network *names,
                         const kerf_network *network, kerf_profile **profile)
{
    if (cli_load_profile(path, names, profile) != CLI_DONE) {
        r->reported = true;
        return false;
    }
    if (*profile && names != network)
        keep_part(*profile, network);
    return true;
}

/* A variant's own measured figures; where it has none and is (a part of) NETWORK as it stands,
 * those that the command line gives for NETWORK. */
static bool read_profile(reader *r, const kerf_json *at, bool server, bool is_base, bool is_part,
                         size_t index)
{
    kerf_variant *variant = &r->v->list[index];
    kerf_profile **own = &r->v->profiles[2 * index + (server ? 1 : 0)];
    const kerf_profile *scenes = server ? r->scene->server_profile : r->scene->device_profile;
    const char *given = server ? r->settings->server_profile : r->settings->device_profile;
    const char *text = NULL;
    bool fine = true;
    if (kerf_json_string(at, server ? "server_profile" : "device_profile", KERF_OPTIONAL, &text) &&
        text) {
        char *path = kerf_path_beside(r->path, text);
        fine = path ? load_profile(r, path, variant->network, variant->network, own)
                    : kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
        free(path);
    } else if (is_part && given) {
        fine = load_profile(r, given, r->scene->network, variant->network, own);
    }
    const kerf_profile *used = *own || !is_base ? *own : scenes;
    if (server)
        variant->server_profile = used;
    else
        variant->device_profile = used;
    return fine && !kerf_json_failed(at->doc);
}

/* --- variants --- */

static bool load_network(reader *r, const kerf_json *at, size_t index, bool *is_base, bool *is_part)
{
    kerf_variant *variant = &r->v->list[index];
    cli_network_form form = {0};
    char *path = NULL;
    kerf_json member;
    const char *text = NULL;
    bool fine = read_outputs(at, &form) && read_shapes(at, &form);
    if (fine && kerf_json_member(at, "network", KERF_OPTIONAL, &member)) {
        fine = kerf_json_as_string(&member, &text);
        path = fine ? resolve(r, &member, text) : NULL;
        fine = path != NULL;
    }
    if (fine) {
        const char *base = r->scene->network->source;
        const bool same = !path || same_file(path, base);
        form.as_network = same;
        *is_base = same && form.n_outputs == 0 && form.n_inputs == 0;
        *is_part = same && form.n_outputs > 0 && form.n_inputs == 0;
        if (*is_base) {
            variant->network = r->scene->network;
        } else {
            fine = cli_load_network_as(r->settings, path ? path : base, &form,
                                       &r->v->networks[index]) == CLI_DONE;
            r->reported = !fine;
            variant->network = r->v->networks[index];
        }
    }
    free(path);
    form_clear(&form);
    return fine;
}

static bool read_variant(reader *r, const kerf_json *at, bool *listed)
{
    const size_t index = r->v->n;
    kerf_variant *variant = &r->v->list[index];
    bool is_base = false, is_part = false;
    *variant = (kerf_variant){.accuracy = (double)NAN};
    if (!kerf_json_as_object(at) || !read_name(r, at, &variant->name) || !variant->name)
        return false;
    for (size_t i = 0; i < index; i++)
        if (strcmp(r->v->list[i].name, variant->name) == 0)
            return kerf_json_fail(at, KERF_E_INVALID, "is the second variant named %s",
                                  variant->name);
    r->v->n++;
    kerf_json_number(at, "accuracy", KERF_OPTIONAL, 0, 1, &variant->accuracy);
    kerf_json_quantity(at, "input_size", KERF_SIZE, KERF_OPTIONAL, &variant->input_bytes);
    if (kerf_json_failed(at->doc) || !load_network(r, at, index, &is_base, &is_part) ||
        !read_profile(r, at, false, is_base, is_part, index) ||
        !read_profile(r, at, true, is_base, is_part, index))
        return false;
    *listed = *listed || is_base;
    return kerf_json_done(at);
}

/* NETWORK, which the file does not list, comes first. */
static bool add_network(reader *r, const kerf_json *root)
{
    struct cli_variants *v = r->v;
    const cli_scene *base = r->scene;
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->list[i].name, base->network->name) == 0)
            return kerf_json_fail(root, KERF_E_INVALID,
                                  "lists another network under the name %.100s, which is NETWORK's",
                                  base->network->name);
    memmove(v->list + 1, v->list, v->n * sizeof *v->list);
    memmove(v->networks + 1, v->networks, v->n * sizeof *v->networks);
    memmove(v->profiles + 2, v->profiles, 2 * v->n * sizeof *v->profiles);
    v->n++;
    v->networks[0] = NULL;
    v->profiles[0] = v->profiles[1] = NULL;
    v->list[0] = (kerf_variant){.name = base->network->name,
                                .network = base->network,
                                .accuracy = (double)NAN,
                                .device_profile = base->device_profile,
                                .server_profile = base->server_profile};
    return true;
}

static bool read_variants(reader *r, const kerf_json *root)
{
    kerf_json array;
    size_t n = 0;
    bool listed = false;
    if (!kerf_json_array(root, "variants", KERF_REQUIRED, &array, &n))
        return false;
    if (n > MOST_VARIANTS)
        return kerf_json_fail(&array, KERF_E_INVALID, "lists %zu variants, expected at most %d", n,
                              MOST_VARIANTS);
    r->v->list = kerf_calloc(n + 1, sizeof *r->v->list);
    r->v->networks = kerf_calloc(n + 1, sizeof *r->v->networks);
    r->v->profiles = kerf_calloc(2 * (n + 1), sizeof *r->v->profiles);
    if (!r->v->list || !r->v->networks || !r->v->profiles)
        return kerf_json_fail(&array, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&array, i);
        if (!read_variant(r, &at, &listed))
            return false;
    }
    return listed || add_network(r, root);
}

cli_exit cli_variants_load(const char *path, const cli_settings *settings, cli_scene *scene)
{
    kerf_error err = {0};
    kerf_json_doc *doc = NULL;
    reader r = {.path = path, .settings = settings, .scene = scene};
    r.v = scene->variants = kerf_calloc(1, sizeof *r.v);
    if (!r.v)
        return cli_error(CLI_FAILED, "out of memory");
    if (kerf_json_open(path, "kerf-variants/1", &doc, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    const kerf_json root = kerf_json_root(doc);
    const char *source;
    kerf_json_string(&root, "source", KERF_OPTIONAL, &source);
    if (read_encodings(&r, &root) && read_variants(&r, &root))
        kerf_json_done(&root);
    const kerf_status status = kerf_json_close(&doc);
    if (r.reported)
        return CLI_FAILED;
    if (status != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    scene->question.variants = r.v->list;
    scene->question.n_variants = r.v->n;
    return CLI_DONE;
}

void cli_variants_clear(cli_scene *scene)
{
    struct cli_variants *v = scene->variants;
    if (!v)
        return;
    for (size_t i = 0; i < v->n; i++) {
        kerf_network_destroy(&v->networks[i]);
        kerf_profile_destroy(&v->profiles[2 * i]);
        kerf_profile_destroy(&v->profiles[2 * i + 1]);
    }
    for (size_t i = 0; i < v->n_texts; i++)
        free(v->texts[i]);
    free(v->list);
    free(v->networks);
    free(v->profiles);
    free(v->encodings);
    free(v->texts);
    free(v);
    scene->variants = NULL;
}

/* --- the wire --- */

static cli_exit unknown_encoding(const cli_settings *settings, const struct cli_variants *v)
{
    char known[512] = "float32, float16, int8, any";
    for (size_t i = 0; v && i < v->n_encodings; i++) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, ", %.63s", v->encodings[i].name);
    }
    return cli_error(CLI_USAGE, "--wire: '%s' is none of those there are: %s", settings->wire_name,
                     known);
}

cli_exit cli_encodings_choose(const cli_settings *settings, cli_scene *scene)
{
    static const kerf_encoding types[] = {
        {.name = "own", .wire = KERF_WIRE_OWN},
        {.name = "float32", .wire = KERF_WIRE_FLOAT32, .accuracy_loss = (double)NAN},
        {.name = "float16", .wire = KERF_WIRE_FLOAT16, .accuracy_loss = (double)NAN},
        {.name = "int8", .wire = KERF_WIRE_INT8, .accuracy_loss = (double)NAN}};
    const struct cli_variants *v = scene->variants;
    kerf_question *q = &scene->question;
    const bool any = settings->wire_name && strcmp(settings->wire_name, "any") == 0;
    if (!settings->wire_name)
        return CLI_DONE;
    for (size_t i = 0; v && i < v->n_encodings && !any; i++)
        if (strcmp(v->encodings[i].name, settings->wire_name) == 0) {
            q->encodings = &v->encodings[i];
            q->n_encodings = 1;
            return CLI_DONE;
        }
    if (any && v && v->n_encodings > 0) {
        q->encodings = v->encodings;
        q->n_encodings = v->n_encodings;
    } else if (any) {
        q->encodings = types;
        q->n_encodings = sizeof types / sizeof *types;
    } else if (settings->wire == KERF_WIRE_OWN) {
        return unknown_encoding(settings, v);
    }
    return CLI_DONE;
}
