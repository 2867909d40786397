/* kerf import: a runtime's layer profile as measured figures of a network's operators. */
#include "planner/cli/commands.h"
#include "planner/cli/json_out.h"
#include "planner/cli/scene.h"
#include "planner/cli/table.h"

#include "kerf/import.h"

#include "base/memory.h"
#include "base/outfile.h"

#include <stdlib.h>

#define MOST_SHOWN 10 /* layers that could not be mapped */

static int by_latency(const void *a, const void *b)
{
    const kerf_profiled_layer *const *x = a, *const *y = b;
    return ((*x)->latency_s < (*y)->latency_s) - ((*x)->latency_s > (*y)->latency_s);
}

/* The layers that could not be mapped, the longest first. The caller frees. */
static const kerf_profiled_layer **unmapped_layers(const kerf_layer_profile *p, size_t *n)
{
    const kerf_profiled_layer **list = kerf_calloc(p->n, sizeof *list);
    *n = 0;
    for (size_t i = 0; list && i < p->n; i++)
        if (p->layers[i].n_operators == 0)
            list[(*n)++] = &p->layers[i];
    if (list)
        qsort(list, *n, sizeof *list, by_latency);
    return list;
}

static size_t mapped_layers(const kerf_layer_profile *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->layers[i].n_operators > 0;
    return n;
}

static double share(const kerf_layer_profile *p, double latency_s)
{
    return p->latency_s > 0 ? latency_s / p->latency_s : 0;
}

static cli_exit print_table(const kerf_layer_profile *p, const kerf_network *network)
{
    size_t n = 0;
    char all[40], mapped[40];
    const kerf_profiled_layer **list = unmapped_layers(p, &n);
    cli_table *table = list ? cli_table_create("frr", CLI_WIDTH) : NULL;
    if (!table) {
        free(list);
        return cli_error(CLI_FAILED, "out of memory");
    }
    printf("%s: %zu of %zu layers are %zu of the %zu operators of %s: %s of %s (%.1f %%).\n",
           p->runtime, mapped_layers(p), p->n, p->mapped_operators, network->n_placed,
           network->name, kerf_format_quantity(p->mapped_s, KERF_TIME, 4, mapped, sizeof mapped),
           kerf_format_quantity(p->latency_s, KERF_TIME, 4, all, sizeof all),
           100 * share(p, p->mapped_s));
    if (n > 0) {
        putchar('\n');
        cli_table_heading(table);
        cli_table_cell(table, "not mapped");
        cli_table_cell(table, "latency");
        cli_table_cell(table, "share");
    }
    for (size_t i = 0; i < n && i < MOST_SHOWN; i++) {
        char name[256];
        cli_table_cell(table, "%s", cli_clean(list[i]->name, name, sizeof name));
        cli_table_quantity(table, list[i]->latency_s, KERF_TIME);
        cli_table_cell(table, "%.1f %%", 100 * share(p, list[i]->latency_s));
    }
    const bool printed = n == 0 || cli_table_print(table, stdout);
    if (n > MOST_SHOWN)
        printf("and %zu more; --json lists all\n", n - MOST_SHOWN);
    cli_table_destroy(&table);
    free(list);
    return printed ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}

static cli_exit print_json(const kerf_layer_profile *p, const kerf_network *network)
{
    cli_json j = {.failed = false};
    json_t *document = json_object(), *layers = json_array();
    cli_json_text(&j, document, "network", network->name);
    cli_json_text(&j, document, "runtime", p->runtime);
    cli_json_text(&j, document, "source", p->source);
    cli_json_number(&j, document, "latency_s", p->latency_s);
    cli_json_number(&j, document, "mapped_s", p->mapped_s);
    cli_json_number(&j, document, "mapped_share", share(p, p->mapped_s));
    cli_json_count(&j, document, "mapped_operators", (int64_t)p->mapped_operators);
    for (size_t i = 0; i < p->n; i++) {
        json_t *layer = json_object(), *operators = json_array();
        cli_json_text(&j, layer, "name", p->layers[i].name);
        cli_json_number(&j, layer, "latency_s", p->layers[i].latency_s);
        cli_json_number(&j, layer, "energy_J", p->layers[i].energy_J);
        for (size_t k = 0; k < p->layers[i].n_operators; k++)
            cli_json_append(
                &j, operators,
                cli_json_string(&j, network->operators[p->layers[i].operators[k]].name));
        cli_json_put(&j, layer, "operators", operators);
        cli_json_append(&j, layers, layer);
    }
    cli_json_put(&j, document, "layers", layers);
    return cli_json_print(&j, document);
}

static cli_exit print_csv(const kerf_layer_profile *p, const kerf_network *network)
{
    static const char *const columns[] = {"name", "latency_s", "energy_J", "operators"};
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < p->n; i++) {
        const kerf_profiled_layer *layer = &p->layers[i];
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        for (size_t k = 0; stream && k < layer->n_operators; k++)
            fprintf(stream, "%s%s", k ? ";" : "", network->operators[layer->operators[k]].name);
        const bool written = stream && fclose(stream) == 0 && text;
        if (written) {
            cli_csv_text(stdout, true, layer->name);
            cli_csv_number(stdout, false, layer->latency_s);
            cli_csv_number(stdout, false, layer->energy_J);
            cli_csv_text(stdout, false, text);
            fputc('\n', stdout);
        }
        free(text);
        if (!written)
            return cli_error(CLI_FAILED, "out of memory");
    }
    return CLI_DONE;
}

static cli_exit write_files(const cli_settings *s, const kerf_layer_profile *p,
                            const kerf_network *network)
{
    kerf_error err = {0};
    kerf_status status = KERF_OK;
    if (s->output)
        status = kerf_layers_save_profile(p, network, s->output, s->force, &err);
    if (status == KERF_OK && s->table_file) {
        /* A relative path in a table is beside the table, not where we are. */
        char *file = realpath(s->argument, NULL);
        status = kerf_layers_save_table(p, network, file ? file : s->argument, s->table_file,
                                        s->force, &err);
        free(file);
    }
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

static cli_exit import(const cli_settings *s, const kerf_network *network)
{
    kerf_error err;
    kerf_layer_profile *profile = NULL;
    if (kerf_layers_import(s->arguments.items + 1, s->arguments.n - 1, network, &profile, &err) !=
        KERF_OK)
        return cli_report(CLI_FAILED, &err);
    cli_exit status = write_files(s, profile, network);
    if (status == CLI_DONE)
        status = s->json  ? print_json(profile, network)
                 : s->csv ? print_csv(profile, network)
                          : print_table(profile, network);
    kerf_layers_destroy(&profile);
    return status;
}

cli_exit cli_import(const cli_settings *settings)
{
    kerf_error err = {0};
    const char *const files[] = {settings->output, settings->table_file};
    if (settings->arguments.n < 2)
        return cli_error(CLI_USAGE, "import: expected a network and the files of its profile; "
                                    "'kerf import --help' shows the usage");
    for (size_t i = 0; i < 2; i++)
        if (files[i] && kerf_outfile_check(files[i], settings->force, &err) != KERF_OK)
            return cli_report(CLI_FAILED, &err);
    kerf_network *network = NULL;
    cli_exit status = cli_load_network(settings, true, &network);
    if (status == CLI_DONE)
        status = import(settings, network);
    kerf_network_destroy(&network);
    return status;
}
