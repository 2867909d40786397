/* kerf list: what is bundled, one line each with its source. */
#include "planner/cli/commands.h"
#include "planner/cli/json_out.h"
#include "planner/cli/scene.h"
#include "planner/cli/table.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* One bundled thing. */
typedef struct entry {
    char *name, *path, *description, *source;
    json_t *details; /* more for --json: an object, or NULL */
} entry;

static void clear_entry(entry *e)
{
    free(e->name);
    free(e->path);
    free(e->description);
    free(e->source);
    json_decref(e->details);
    *e = (entry){0};
}

static char *copy_of(const char *text)
{
    return kerf_strdup(text ? text : "");
}

/* --- reading each kind --- */

static kerf_status read_device(cli_json *j, const char *path, entry *e, kerf_error *err)
{
    kerf_device *device = NULL;
    const kerf_status status = kerf_device_load(path, &device, err);
    if (status != KERF_OK)
        return status;
    e->description = copy_of(device->description);
    e->source = copy_of(device->provenance);
    e->details = json_object();
    json_t *modes = json_array();
    for (size_t i = 0; i < device->n_modes; i++)
        cli_json_append(j, modes, cli_json_string(j, device->modes[i].name));
    cli_json_put(j, e->details, "power_modes", modes);
    cli_json_text(j, e->details, "default_power_mode", device->modes[device->default_mode].name);
    cli_json_text(j, e->details, "fit", device->fit);
    cli_json_text(j, e->details, "assumptions", device->assumptions);
    kerf_device_destroy(&device);
    return KERF_OK;
}

static kerf_status read_link(cli_json *j, const char *path, entry *e, kerf_error *err)
{
    kerf_link *link = NULL;
    const kerf_status status = kerf_link_load(path, &link, err);
    if (status != KERF_OK)
        return status;
    e->description = copy_of(link->description);
    e->source = copy_of(link->provenance);
    e->details = json_object();
    cli_json_number(j, e->details, "uplink_bps", link->rate_bps[KERF_UPLINK]);
    cli_json_number(j, e->details, "downlink_bps", link->rate_bps[KERF_DOWNLINK]);
    cli_json_number(j, e->details, "rtt_s", link->rtt_s);
    cli_json_number(j, e->details, "loss", link->loss);
    kerf_link_destroy(&link);
    return KERF_OK;
}

/* Where a network comes from is in its file only: the library has no use for it. */
static char *source_of(const char *path)
{
    json_t *document = json_load_file(path, 0, NULL); /* NULL for ONNX files */
    const char *text = json_string_value(json_object_get(document, "source"));
    char *copy = copy_of(text ? text : path);
    json_decref(document);
    return copy;
}

static kerf_status read_network(cli_json *j, const char *path, entry *e, kerf_error *err)
{
    const kerf_network_options options = {.allow_unresolved = true};
    kerf_network *network = NULL;
    const kerf_status status = kerf_network_load(path, &options, &network, err);
    if (status != KERF_OK)
        return status;
    char text[160];
    snprintf(text, sizeof text, "%zu operators, %.3g GMAC, %.3g M parameters", network->n_placed,
             1e-9 * (double)network->macs, 1e-6 * (double)network->params);
    e->description = kerf_strdup(text);
    e->source = source_of(path);
    e->details = json_object();
    cli_json_count(j, e->details, "operators", (int64_t)network->n_placed);
    cli_json_count(j, e->details, "macs", network->macs);
    cli_json_count(j, e->details, "parameters", network->params);
    kerf_network_destroy(&network);
    return KERF_OK;
}

/* Its texts only: what they belong to is for the simulator to read. */
static kerf_status read_scenario(cli_json *j, const char *path, entry *e, kerf_error *err)
{
    (void)j;
    kerf_json_doc *doc = NULL;
    const kerf_status status = kerf_json_open(path, "kerf-scenario/1", &doc, err);
    if (status != KERF_OK)
        return status;
    const kerf_json root = kerf_json_root(doc);
    const char *description = NULL, *source = path;
    kerf_json_string(&root, "description", KERF_OPTIONAL, &description);
    if (!kerf_json_string(&root, "source", KERF_OPTIONAL, &source))
        kerf_json_string(&root, "provenance", KERF_OPTIONAL, &source);
    e->description = copy_of(description);
    e->source = copy_of(source);
    e->details = json_object();
    return kerf_json_close(&doc);
}

static kerf_status read_entry(cli_json *j, cli_kind kind, const char *name, const char *path,
                              entry *e, kerf_error *err)
{
    kerf_status status = KERF_OK;
    if (kind == CLI_NETWORK)
        status = read_network(j, path, e, err);
    else if (kind == CLI_LINK)
        status = read_link(j, path, e, err);
    else if (kind == CLI_SCENARIO)
        status = read_scenario(j, path, e, err);
    else
        status = read_device(j, path, e, err);
    if (status != KERF_OK)
        return status;
    e->name = kerf_strdup(name);
    e->path = kerf_strdup(path);
    return e->name && e->path && e->description && e->source ? KERF_OK : KERF_E_NOMEM;
}

/* --- printing --- */

static json_t *entry_json(cli_json *j, const entry *e)
{
    json_t *o = json_object();
    cli_json_text(j, o, "name", e->name);
    cli_json_text(j, o, "description", e->description);
    cli_json_text(j, o, "source", e->source);
    cli_json_text(j, o, "file", e->path);
    if (json_object_update(o, e->details) != 0)
        j->failed = true;
    return o;
}

static cli_exit print_json(cli_json *j, cli_kind kind, const entry *entries, size_t n)
{
    json_t *o = json_object(), *list = json_array();
    for (size_t i = 0; i < n; i++)
        cli_json_append(j, list, entry_json(j, &entries[i]));
    cli_json_text(j, o, "kerf", kerf_version());
    cli_json_put(j, o, cli_kind_folder(kind), list);
    return cli_json_print(j, o);
}

static void print_csv(const entry *entries, size_t n)
{
    static const char *const columns[] = {"name", "description", "source", "file"};
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < n; i++) {
        cli_csv_text(stdout, true, entries[i].name);
        cli_csv_text(stdout, false, entries[i].description);
        cli_csv_text(stdout, false, entries[i].source);
        cli_csv_text(stdout, false, entries[i].path);
        fputc('\n', stdout);
    }
}

/* Columns of the terminal; a file or pipe has no end. */
static size_t line_width(void)
{
    struct winsize window;
    if (!cli_is_terminal(stdout))
        return SIZE_MAX;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col < 60)
        return CLI_WIDTH;
    return window.ws_col;
}

/* Prints at most `room` bytes of a text's first sentence, ended at a word. */
static void print_sentence(char *text, size_t room)
{
    size_t length = strlen(text);
    for (const char *at = text; (at = strstr(at, ". ")); at += 2) {
        /* "et al. (2020)" goes on; "S. Lahmer" is one sentence. */
        if (at - text > 2 && at[-2] != ' ' && at[2] >= 'A' && at[2] <= 'Z') {
            length = (size_t)(at - text) + 1;
            break;
        }
    }
    bool cut = length > room;
    if (cut) {
        length = room - 3;
        while (length > 0 && text[length] != ' ')
            length--;
    }
    text[length] = '\0';
    kerf_make_printable(text, '?');
    printf("%s%s\n", text, cut ? "..." : "");
}

static void print_lines(const entry *entries, size_t n)
{
    size_t names = 0, descriptions = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t name = strlen(entries[i].name), text = strlen(entries[i].description);
        names = name > names ? name : names;
        descriptions = text > descriptions ? text : descriptions;
    }
    const size_t width = line_width(), used = names + descriptions + 4;
    for (size_t i = 0; i < n; i++) {
        char clean[256];
        printf("%-*s  ", (int)names, cli_clean(entries[i].name, clean, sizeof clean));
        printf("%-*s  ", (int)descriptions, cli_clean(entries[i].description, clean, sizeof clean));
        print_sentence(entries[i].source, used + 20 < width ? width - used : 20);
    }
}

/* --- the command --- */

static bool find_kind(const char *word, cli_kind *kind)
{
    for (int k = 0; k < CLI_KIND_COUNT; k++) {
        if (strcmp(word, cli_kind_folder((cli_kind)k)) == 0) {
            *kind = (cli_kind)k;
            return true;
        }
    }
    cli_error(CLI_USAGE, "list: '%s': expected devices, servers, links, networks or scenarios",
              word);
    return false;
}

/* A bundled file that cannot be read does not hide the others, but is reported. */
static cli_exit read_all(cli_json *j, cli_kind kind, const cli_bundle *bundle, entry *entries,
                         size_t *n)
{
    cli_exit status = CLI_DONE;
    for (size_t i = 0; i < bundle->n; i++) {
        kerf_error err = {0};
        const kerf_status read =
            read_entry(j, kind, bundle->names[i], bundle->paths[i], &entries[*n], &err);
        if (read == KERF_OK) {
            ++*n;
            continue;
        }
        clear_entry(&entries[*n]);
        if (read == KERF_E_NOMEM)
            return cli_error(CLI_FAILED, "out of memory");
        status = cli_report(CLI_FAILED, &err);
    }
    return status;
}

/* There need not be any of some kinds. */
static cli_exit none_bundled(const cli_settings *settings, cli_kind kind)
{
    cli_warning(settings->quiet, "no bundled %s were found", cli_kind_folder(kind));
    return CLI_DONE;
}

cli_exit cli_list_bundled(const cli_settings *settings)
{
    cli_kind kind;
    if (!find_kind(settings->argument, &kind))
        return CLI_USAGE;
    cli_json builder = {false};
    cli_bundle bundle = {0};
    kerf_error err = {0};
    if (cli_find_all(kind, &bundle, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    size_t n = 0;
    cli_exit status = CLI_FAILED;
    entry *entries = kerf_calloc(bundle.n, sizeof *entries);
    if (!entries)
        status = cli_error(CLI_FAILED, "out of memory");
    else if (bundle.n == 0 && kind == CLI_SCENARIO)
        status = none_bundled(settings, kind);
    else if (bundle.n == 0)
        status = cli_error(CLI_FAILED, "no bundled %s were found; is KERF_PATH right?",
                           cli_kind_folder(kind));
    else
        status = read_all(&builder, kind, &bundle, entries, &n);
    const bool any = n > 0 || (status == CLI_DONE && bundle.n == 0);
    if (settings->json && any && print_json(&builder, kind, entries, n) != CLI_DONE)
        status = CLI_FAILED;
    else if (settings->csv && any)
        print_csv(entries, n);
    else if (!settings->json && n > 0)
        print_lines(entries, n);
    for (size_t i = 0; i < n; i++)
        clear_entry(&entries[i]);
    free(entries);
    cli_bundle_clear(&bundle);
    return status;
}
