/* A Pareto front for people. */
#include "planner/cli/pareto.h"
#include "planner/cli/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL  13 /* columns of the labels below the table */
#define DIGITS 3

static cli_number quantity(double value, kerf_quantity kind)
{
    return cli_quantity(value, kind, DIGITS);
}

/* Columns that say something only where there is a choice. */
typedef struct columns {
    bool mode, encoding, variant, accuracy;
} columns;

static columns columns_of(const cli_scene *scene, const kerf_front *front)
{
    const kerf_question *q = &scene->question;
    return (columns){.mode = q->power_mode && strcmp(q->power_mode, "any") == 0,
                     .encoding = q->n_encodings > 1,
                     .variant = q->n_variants > 1,
                     .accuracy = front->by_accuracy};
}

static void heading(cli_table *table, const columns *c)
{
    cli_table_heading(table);
    cli_table_cell(table, "energy");
    cli_table_cell(table, "latency");
    if (c->accuracy)
        cli_table_cell(table, "accuracy");
    if (c->mode)
        cli_table_cell(table, "power mode");
    if (c->encoding)
        cli_table_cell(table, "encoding");
    if (c->variant)
        cli_table_cell(table, "variant");
    cli_table_cell(table, "on the device");
    cli_table_cell(table, "sends");
    cli_table_cell(table, "size");
    cli_table_cell(table, "proof");
}

static void sent_cells(cli_table *table, const kerf_network *network, const kerf_cut *cut)
{
    if (cut->n_tensors == 0)
        cli_table_cell(table, "nothing");
    else if (cut->n_tensors == 1)
        cli_table_cell(table, "%s", network->tensors[cut->tensors[0]].name);
    else
        cli_table_cell(table, "%s and %zu more", network->tensors[cut->tensors[0]].name,
                       cut->n_tensors - 1);
    if (cut->n_tensors == 0)
        cli_table_cell(table, "-");
    else
        cli_table_quantity(table, cut->wire_bytes, KERF_SIZE);
}

static void row(cli_table *table, const cli_scene *scene, const columns *c,
                const kerf_front_point *point)
{
    const kerf_network *network = cli_point_network(scene, point);
    cli_table_quantity(table, point->plan.cost.device_energy_J, KERF_ENERGY);
    cli_table_quantity(table, point->plan.cost.latency_s, KERF_TIME);
    if (c->accuracy)
        cli_table_cell(table, isnan(point->accuracy) ? "not known" : "%.4g", point->accuracy);
    if (c->mode)
        cli_table_cell(table, "%s", point->power_mode);
    if (c->encoding)
        cli_table_cell(table, "%s", cli_point_encoding(scene, point));
    if (c->variant)
        cli_table_cell(table, "%s", cli_point_variant(scene, point));
    cli_table_cell(table, "%zu of %zu", cli_device_operators(network, point->plan.side),
                   network->n_placed);
    sent_cells(table, network, &point->plan.cut);
    if (point->proven)
        cli_table_cell(table, "%s%s", kerf_solver_name(point->solver),
                       point->supported ? ", supported" : "");
    else
        cli_table_cell(table, "none");
}

static bool print_points(const cli_scene *scene, const kerf_front *front)
{
    const columns c = columns_of(scene, front);
    const bool extra[] = {c.mode, c.encoding, c.variant};
    char layout[16] = "rr";
    size_t n = 2;
    if (c.accuracy)
        layout[n++] = 'r';
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++)
        if (extra[i])
            layout[n++] = 'l';
    memcpy(layout + n, "rfrl", 5);
    cli_table *table = cli_table_create(layout, CLI_WIDTH);
    if (!table)
        return false;
    heading(table, &c);
    for (size_t i = 0; i < front->n; i++)
        row(table, scene, &c, &front->points[i]);
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

static void print_extreme(const char *label, const kerf_option_plan *option, bool choice)
{
    if (option->exists)
        printf("%-*s%s and %s%s%s\n", LABEL, label,
               quantity(option->cost.device_energy_J, KERF_ENERGY).text,
               quantity(option->cost.latency_s, KERF_TIME).text,
               choice ? ", chosen like the first point" : "",
               option->feasible ? "" : ", which breaks a limit");
    else
        printf("%-*scannot be had\n", LABEL, label);
}

typedef struct range {
    double low, high;
} range;

static void include(range *r, double value)
{
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

static void print_answer(const cli_scene *scene, const kerf_front *front)
{
    range energy = {INFINITY, 0}, latency = {INFINITY, 0}, accuracy = {INFINITY, 0};
    char text[400], clean[400], and_accuracy[80] = "";
    for (size_t i = 0; i < front->n; i++) {
        include(&energy, front->points[i].plan.cost.device_energy_J);
        include(&latency, front->points[i].plan.cost.latency_s);
        if (!isnan(front->points[i].accuracy))
            include(&accuracy, front->points[i].accuracy);
    }
    if (front->by_accuracy && isfinite(accuracy.low))
        snprintf(and_accuracy, sizeof and_accuracy, " and accuracy (%.4g to %.4g)", accuracy.low,
                 accuracy.high);
    if (front->n == 1)
        snprintf(text, sizeof text, "One point of %.80s is best in all: %s and %s per inference.",
                 scene->question.network->name, quantity(energy.low, KERF_ENERGY).text,
                 quantity(latency.low, KERF_TIME).text);
    else
        snprintf(text, sizeof text,
                 "%zu points of %.80s trade energy (%s to %s)%s latency (%s to %s)%s.", front->n,
                 scene->question.network->name, quantity(energy.low, KERF_ENERGY).text,
                 quantity(energy.high, KERF_ENERGY).text, *and_accuracy ? "," : " and",
                 quantity(latency.low, KERF_TIME).text, quantity(latency.high, KERF_TIME).text,
                 and_accuracy);
    const bool color = cli_wants_color(stdout);
    fputs(color ? "\033[1m" : "", stdout);
    cli_wrap(stdout, cli_clean(text, clean, sizeof clean), 0, 0, CLI_WIDTH);
    fputs(color ? "\033[0m\n" : "\n", stdout);
}

cli_exit cli_pareto_table(const cli_scene *scene, const kerf_front *front)
{
    print_answer(scene, front);
    if (!print_points(scene, front))
        return cli_error(CLI_FAILED, "out of memory");
    printf("\n%-*s", LABEL, "front");
    if (front->complete)
        printf("complete: no other placement is as good in all and better in one");
    else if (front->n_proven == front->n)
        printf("truncated: points may be missing");
    else
        printf("truncated: points may be missing, and %zu of %zu are not proven",
               front->n - front->n_proven, front->n);
    printf("; %zu steps\n", front->examined);
    const columns c = columns_of(scene, front);
    const bool choice = c.mode || c.encoding || c.variant;
    print_extreme("all device", &front->all_device, choice);
    print_extreme("all server", &front->all_server, choice);
    return CLI_DONE;
}
