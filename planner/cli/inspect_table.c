/* The inspected network for people, and as comma-separated values. */
#include "planner/cli/inspect.h"
#include "planner/cli/table.h"

#include <inttypes.h>

/* The operator's first output that there is, or NULL. */
static const kerf_tensor *first_output(const kerf_network *network, const kerf_operator *op)
{
    for (size_t i = 0; i < op->n_outputs; i++)
        if (op->outputs[i] != KERF_NONE)
            return &network->tensors[op->outputs[i]];
    return NULL;
}

static const char *shape_text(const kerf_tensor *tensor, char *text, size_t size)
{
    if (!tensor || tensor->rank < 0) {
        snprintf(text, size, "%s", tensor ? "?" : "-");
        return text;
    }
    if (tensor->rank == 0) {
        snprintf(text, size, "scalar");
        return text;
    }
    size_t used = 0;
    for (int i = 0; i < tensor->rank && used < size; i++) {
        int n;
        if (tensor->dims[i] < 0)
            n = snprintf(text + used, size - used, "%s?", i ? "x" : "");
        else
            n = snprintf(text + used, size - used, "%s%" PRId64, i ? "x" : "", tensor->dims[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    return text;
}

/* --- table --- */

/* A count with a metric prefix: "118 M". */
static void count_cell(cli_table *table, double value)
{
    static const char *const prefixes[] = {"", " k", " M", " G", " T", " P"};
    size_t p = 0;
    for (; value >= 999.5 && p + 1 < sizeof prefixes / sizeof *prefixes; p++)
        value /= 1000;
    if (value == 0)
        cli_table_cell(table, "-");
    else
        cli_table_cell(table, "%.3g%s", value, prefixes[p]);
}

static void bytes_cell(cli_table *table, int64_t bytes)
{
    if (bytes < 0)
        cli_table_cell(table, "?");
    else if (bytes == 0)
        cli_table_cell(table, "-");
    else
        cli_table_quantity(table, (double)bytes, KERF_SIZE);
}

static void cost_cells(cli_table *table, const kerf_cost *cost)
{
    if (cost->latency_s != 0)
        cli_table_quantity(table, cost->latency_s, KERF_TIME);
    else
        cli_table_cell(table, "-");
    if (cost->energy_J != 0)
        cli_table_quantity(table, cost->energy_J, KERF_ENERGY);
    else
        cli_table_cell(table, "-");
}

static void operator_row(cli_table *table, const inspection *in, size_t i)
{
    const kerf_operator *op = &in->network->operators[i];
    const kerf_tensor *output = first_output(in->network, op);
    char shape[128];
    cli_table_cell(table, "%s", op->name);
    cli_table_cell(table, "%s", op->type);
    cli_table_cell(table, "%s", op->constant ? "constant" : kerf_class_name(op->cls));
    if (op->group == KERF_NONE || op->constant)
        cli_table_cell(table, "-");
    else
        cli_table_cell(table, "%zu", op->group);
    cli_table_cell(table, "%s", shape_text(output, shape, sizeof shape));
    count_cell(table, (double)op->macs);
    count_cell(table, (double)op->params);
    if (in->costs)
        cost_cells(table, &in->costs[i]);
    else
        bytes_cell(table, output ? output->bytes : 0);
}

static void print_totals(const inspection *in)
{
    const kerf_network *network = in->network;
    char name[200], weights[64], latency[64], energy[64];
    printf(
        "\n%s: %zu operator%s in %zu fused group%s, %.4g GMAC, %.4g M parameters (%s)\n",
        cli_clean(network->name, name, sizeof name), network->n_placed,
        network->n_placed == 1 ? "" : "s", network->n_groups, network->n_groups == 1 ? "" : "s",
        1e-9 * (double)network->macs, 1e-6 * (double)network->params,
        kerf_format_quantity((double)network->weight_bytes, KERF_SIZE, 3, weights, sizeof weights));
    if (!in->costs)
        return;
    char device[200], mode[200];
    printf("%s (%s): %s and %s, a partition's constant of %.3g ms and %.3g mJ included\n",
           cli_clean(in->device->name, device, sizeof device),
           cli_clean(in->mode->name, mode, sizeof mode),
           kerf_format_quantity(in->total.latency_s, KERF_TIME, 3, latency, sizeof latency),
           kerf_format_quantity(in->total.energy_J, KERF_ENERGY, 3, energy, sizeof energy),
           1e3 * in->mode->partition_s, 1e3 * in->mode->partition_J);
}

cli_exit cli_inspect_table(const inspection *in)
{
    static const char *const headings[] = {"operator", "type",   "class",   "group", "output",
                                           "MACs",     "params", "latency", "energy"};
    const size_t n = in->costs ? 9 : 8;
    /* Costs take the place of the output's bytes, which its shape tells anyway. */
    cli_table *table = cli_table_create(in->costs ? "fflrfrrrr" : "fflrfrrr", CLI_WIDTH);
    if (!table)
        return cli_error(CLI_FAILED, "out of memory");
    cli_table_heading(table);
    for (size_t i = 0; i < n; i++)
        cli_table_cell(table, "%s", i == 7 && !in->costs ? "size" : headings[i]);
    for (size_t i = 0; i < in->network->n_operators; i++)
        operator_row(table, in, i);
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    if (!printed)
        return cli_error(CLI_FAILED, "out of memory");
    print_totals(in);
    return CLI_DONE;
}

/* --- CSV --- */

cli_exit cli_inspect_csv(const inspection *in)
{
    static const char *const columns[] = {
        "name",         "type",         "class",       "group",      "output",
        "shape",        "element_type", "macs",        "parameters", "output_bytes",
        "weight_bytes", "read_bytes",   "write_bytes", "latency_s",  "energy_J"};
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < in->network->n_operators; i++) {
        const kerf_operator *op = &in->network->operators[i];
        const kerf_tensor *output = first_output(in->network, op);
        const bool known = output && output->bytes >= 0;
        char shape[256];
        cli_csv_text(stdout, true, op->name);
        cli_csv_text(stdout, false, op->type);
        cli_csv_text(stdout, false, op->constant ? "constant" : kerf_class_name(op->cls));
        cli_csv_number(stdout, false, op->constant ? NAN : (double)op->group);
        cli_csv_text(stdout, false, output ? output->name : "");
        cli_csv_text(stdout, false, known ? shape_text(output, shape, sizeof shape) : "");
        cli_csv_text(stdout, false, output ? kerf_type_name(output->type) : "");
        cli_csv_number(stdout, false, (double)op->macs);
        cli_csv_number(stdout, false, (double)op->params);
        cli_csv_number(stdout, false, known ? (double)output->bytes : NAN);
        cli_csv_number(stdout, false, (double)op->weight_bytes);
        cli_csv_number(stdout, false, (double)op->read_bytes);
        cli_csv_number(stdout, false, (double)op->write_bytes);
        cli_csv_number(stdout, false, in->costs ? in->costs[i].latency_s : NAN);
        cli_csv_number(stdout, false, in->costs ? in->costs[i].energy_J : NAN);
        fputc('\n', stdout);
    }
    return CLI_DONE;
}
