/* What kerf measure prints: a table, JSON, CSV, the list of rails, a table for kerf calibrate. */
#include "planner/cli/json_out.h"
#include "planner/cli/measure.h"
#include "planner/cli/table.h"

#include "base/memory.h"
#include "base/outfile.h"

#include <stdlib.h>
#include <string.h>

/* --- figures over the runs --- */

typedef double figure(const cli_measurement *m, const kerf_energy *run);

static double energy_J(const cli_measurement *m, const kerf_energy *run)
{
    (void)m;
    return run->energy_J;
}

static double duration_s(const cli_measurement *m, const kerf_energy *run)
{
    (void)m;
    return run->duration_s;
}

static double average_W(const cli_measurement *m, const kerf_energy *run)
{
    (void)m;
    return run->average_W;
}

static double each_energy_J(const cli_measurement *m, const kerf_energy *run)
{
    return run->energy_J / (double)m->settings->inferences;
}

static double each_duration_s(const cli_measurement *m, const kerf_energy *run)
{
    return run->duration_s / (double)m->settings->inferences;
}

/* What the table, JSON and the summaries tell of the whole board, where it applies. */
static const struct {
    const char *name, *key;
    figure *of;
    kerf_quantity quantity;
    bool idle, inferences; /* only with --idle, --inferences */
} figures[] = {
    {"energy", "energy_J", energy_J, KERF_ENERGY, false, false},
    {"above idle", "above_idle_J", cli_above_idle_J, KERF_ENERGY, true, false},
    {"duration", "duration_s", duration_s, KERF_TIME, false, false},
    {"average power", "average_W", average_W, KERF_POWER, false, false},
    {"energy per inference", "energy_per_inference_J", each_energy_J, KERF_ENERGY, false, true},
    {"time per inference", "time_per_inference_s", each_duration_s, KERF_TIME, false, true},
};
#define N_FIGURES (sizeof figures / sizeof *figures)

static bool applies(const cli_measurement *m, size_t f)
{
    return (!figures[f].idle || m->idle_measured) &&
           (!figures[f].inferences || m->settings->inferences > 0);
}

/* Over all runs, of the total or of one rail (KERF_NONE: the total). False without memory. */
static bool summarise(const cli_measurement *m, figure *of, size_t rail, kerf_summary *summary)
{
    double *values = kerf_calloc(m->n, sizeof *values);
    for (size_t i = 0; values && i < m->n; i++)
        values[i] = of(m, rail == KERF_NONE ? &m->runs[i].total : &m->runs[i].rail[rail]);
    if (values)
        kerf_summarise(values, m->n, summary);
    free(values);
    return values != NULL;
}

/* The run whose sampling is worst, and the largest relative error of sampling. */
static double worst_error(const cli_measurement *m)
{
    double worst = 0;
    for (size_t i = 0; i < m->n; i++)
        worst = fmax(worst, m->runs[i].total.error_J / m->runs[i].total.energy_J);
    return worst;
}

static const char *quantity(double value, kerf_quantity kind, char *buffer, size_t size)
{
    return kerf_format_quantity(value, kind, 4, buffer, size);
}

/* --- for people --- */

static void print_head(const cli_measurement *m)
{
    const kerf_energy *first = &m->runs[0].total;
    char period[40], gap[40], board[128];
    printf("%s: power of",
           *m->rails->board ? cli_clean(m->rails->board, board, sizeof board) : "board");
    for (size_t i = 0, named = 0; i < m->rails->n; i++)
        if (m->rails->list[i].in_total)
            printf("%s %s", named++ ? " +" : "", m->rails->list[i].name);
    printf("; %zu run%s, %zu samples %s in the first, %s apart, at most %s;\n"
           "the error of sampling is estimated at %.2g %% of the energy%s.\n\n",
           m->n, m->n == 1 ? "" : "s", first->samples, "a rail",
           quantity(first->period_s, KERF_TIME, period, sizeof period),
           quantity(first->longest_s, KERF_TIME, gap, sizeof gap), 100 * worst_error(m),
           m->n == 1 ? "" : " where it is largest");
}

static void summary_row(cli_table *table, const char *name, const kerf_summary *s,
                        kerf_quantity kind)
{
    char low[40], high[40];
    cli_table_cell(table, "%s", name);
    cli_table_quantity(table, s->mean, kind);
    if (s->n < 2) {
        cli_table_cell(table, "-");
        cli_table_cell(table, "-");
        return;
    }
    cli_table_quantity(table, s->deviation, kind);
    cli_table_cell(table, "%s to %s", quantity(s->mean - s->confidence, kind, low, sizeof low),
                   quantity(s->mean + s->confidence, kind, high, sizeof high));
}

static cli_exit print_summaries(const cli_measurement *m)
{
    cli_table *table = cli_table_create("lrrl", CLI_WIDTH);
    if (!table)
        return cli_error(CLI_FAILED, "out of memory");
    bool done = true;
    kerf_summary summary;
    cli_table_heading(table);
    cli_table_cell(table, m->n == 1 ? "one run" : "per run");
    cli_table_cell(table, "mean");
    cli_table_cell(table, "deviation");
    cli_table_cell(table, "95 %% confidence");
    for (size_t f = 0; f < N_FIGURES; f++)
        if (applies(m, f) && (done = summarise(m, figures[f].of, KERF_NONE, &summary) && done))
            summary_row(table, figures[f].name, &summary, figures[f].quantity);
    for (size_t i = 0; m->rails->n > 1 && i < m->rails->n; i++) {
        if (i == 0)
            cli_table_space(table);
        if ((done = summarise(m, energy_J, i, &summary) && done))
            summary_row(table, m->rails->list[i].name, &summary, KERF_ENERGY);
    }
    done = done && cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return done ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}

static cli_exit print_table(const cli_measurement *m)
{
    print_head(m);
    const cli_exit status = print_summaries(m);
    char power[40], time[40];
    if (m->idle_measured)
        printf("\nidle: %s over %s, measured before the runs; \"energy\" includes it.\n",
               quantity(m->idle.average_W, KERF_POWER, power, sizeof power),
               quantity(m->idle.duration_s, KERF_TIME, time, sizeof time));
    return status;
}

/* --- JSON --- */

static json_t *summary_json(cli_json *j, const kerf_summary *s)
{
    json_t *object = json_object();
    cli_json_number(j, object, "mean", s->mean);
    cli_json_number(j, object, "deviation", s->deviation);
    cli_json_number(j, object, "confidence_95", s->confidence);
    return object;
}

static json_t *energy_json(cli_json *j, const kerf_energy *e)
{
    json_t *object = json_object();
    cli_json_number(j, object, "duration_s", e->duration_s);
    cli_json_number(j, object, "energy_J", e->energy_J);
    cli_json_number(j, object, "average_W", e->average_W);
    cli_json_number(j, object, "least_W", e->least_W);
    cli_json_number(j, object, "most_W", e->most_W);
    cli_json_count(j, object, "samples", (int64_t)e->samples);
    cli_json_number(j, object, "period_s", e->period_s);
    cli_json_number(j, object, "longest_gap_s", e->longest_s);
    cli_json_number(j, object, "sampling_error_J", e->error_J);
    return object;
}

static json_t *rails_json(cli_json *j, const cli_measurement *m)
{
    json_t *rails = json_array();
    for (size_t i = 0; i < m->rails->n; i++) {
        kerf_summary energy, power;
        json_t *rail = json_object();
        cli_json_text(j, rail, "name", m->rails->list[i].name);
        cli_json_bool(j, rail, "in_total", m->rails->list[i].in_total);
        if (summarise(m, energy_J, i, &energy) && summarise(m, average_W, i, &power)) {
            cli_json_put(j, rail, "energy_J", summary_json(j, &energy));
            cli_json_put(j, rail, "average_W", summary_json(j, &power));
        } else {
            j->failed = true;
        }
        cli_json_append(j, rails, rail);
    }
    return rails;
}

static cli_exit print_json(const cli_measurement *m)
{
    cli_json j = {.failed = false};
    json_t *document = json_object(), *total = json_object(), *runs = json_array();
    cli_json_text(&j, document, "kerf", kerf_version());
    cli_json_text(&j, document, "board", *m->rails->board ? m->rails->board : NULL);
    cli_json_count(&j, document, "repeats", (int64_t)m->n);
    if (m->settings->inferences > 0)
        cli_json_count(&j, document, "inferences", m->settings->inferences);
    for (size_t f = 0; f < N_FIGURES; f++) {
        kerf_summary summary;
        if (!applies(m, f))
            continue;
        if (summarise(m, figures[f].of, KERF_NONE, &summary))
            cli_json_put(&j, total, figures[f].key, summary_json(&j, &summary));
        else
            j.failed = true;
    }
    cli_json_put(&j, document, "total", total);
    cli_json_put(&j, document, "rails", rails_json(&j, m));
    if (m->idle_measured)
        cli_json_put(&j, document, "idle", energy_json(&j, &m->idle));
    for (size_t i = 0; i < m->n; i++)
        cli_json_append(&j, runs, energy_json(&j, &m->runs[i].total));
    cli_json_put(&j, document, "runs", runs);
    return cli_json_print(&j, document);
}

/* --- CSV --- */

static cli_exit print_csv(const cli_measurement *m)
{
    static const char *const columns[] = {
        "run",     "duration_s", "energy_J",      "average_W",        "least_W",     "most_W",
        "samples", "period_s",   "longest_gap_s", "sampling_error_J", "above_idle_J"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        cli_csv_text(stdout, i == 0, columns[i]);
    for (size_t i = 0; i < m->rails->n; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s_J", m->rails->list[i].name);
        cli_csv_text(stdout, false, name);
    }
    fputc('\n', stdout);
    for (size_t r = 0; r < m->n; r++) {
        const kerf_energy *e = &m->runs[r].total;
        const double values[] = {e->duration_s, e->energy_J,           e->average_W, e->least_W,
                                 e->most_W,     (double)e->samples,    e->period_s,  e->longest_s,
                                 e->error_J,    cli_above_idle_J(m, e)};
        cli_csv_number(stdout, true, (double)(r + 1));
        for (size_t i = 0; i < sizeof values / sizeof *values; i++)
            cli_csv_number(stdout, false, values[i]);
        for (size_t i = 0; i < m->rails->n; i++)
            cli_csv_number(stdout, false, m->runs[r].rail[i].energy_J);
        fputc('\n', stdout);
    }
    return CLI_DONE;
}

cli_exit cli_measure_print(const cli_measurement *m)
{
    if (m->settings->json)
        return print_json(m);
    return m->settings->csv ? print_csv(m) : print_table(m);
}

/* --- the rails there are --- */

static cli_exit list_table(const kerf_rails *rails, const double *power_W)
{
    cli_table *table = cli_table_create("lrlf", CLI_WIDTH);
    if (!table)
        return cli_error(CLI_FAILED, "out of memory");
    bool any = false;
    cli_table_heading(table);
    cli_table_cell(table, "rail");
    cli_table_cell(table, "now");
    cli_table_cell(table, "total");
    cli_table_cell(table, "read from");
    for (size_t i = 0; i < rails->n; i++) {
        const kerf_rail *rail = &rails->list[i];
        any = any || rail->in_total;
        cli_table_cell(table, "%s", rail->name);
        cli_table_quantity(table, power_W[i], KERF_POWER);
        cli_table_cell(table, "%s", rail->in_total ? "yes" : "");
        cli_table_cell(table, "%s", rail->power ? rail->power : rail->current);
    }
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    if (!any)
        printf("\nWhat adds up to the board's power is not known: choose rails with --rail.\n");
    return printed ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}

static cli_exit list_json(const kerf_rails *rails, const double *power_W)
{
    cli_json j = {.failed = false};
    json_t *document = json_object(), *list = json_array();
    cli_json_text(&j, document, "board", *rails->board ? rails->board : NULL);
    for (size_t i = 0; i < rails->n; i++) {
        const kerf_rail *rail = &rails->list[i];
        json_t *object = json_object();
        cli_json_text(&j, object, "name", rail->name);
        cli_json_number(&j, object, "power_W", power_W[i]);
        cli_json_bool(&j, object, "in_total", rail->in_total);
        cli_json_text(&j, object, "power_file", rail->power);
        cli_json_text(&j, object, "voltage_file", rail->voltage);
        cli_json_text(&j, object, "current_file", rail->current);
        cli_json_append(&j, list, object);
    }
    cli_json_put(&j, document, "rails", list);
    return cli_json_print(&j, document);
}

static cli_exit list_csv(const kerf_rails *rails, const double *power_W)
{
    static const char *const columns[] = {"name", "power_W", "in_total"};
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < rails->n; i++) {
        cli_csv_text(stdout, true, rails->list[i].name);
        cli_csv_number(stdout, false, power_W[i]);
        cli_csv_number(stdout, false, rails->list[i].in_total);
        fputc('\n', stdout);
    }
    return CLI_DONE;
}

cli_exit cli_measure_list(const cli_measurement *m)
{
    kerf_error err;
    cli_exit status = CLI_FAILED;
    double *power_W = kerf_calloc(m->rails->n, sizeof *power_W);
    if (!power_W)
        cli_error(CLI_FAILED, "out of memory");
    else if (kerf_rails_read(m->rails, power_W, &err) != KERF_OK)
        cli_report(CLI_FAILED, &err);
    else if (m->settings->json)
        status = list_json(m->rails, power_W);
    else if (m->settings->csv)
        status = list_csv(m->rails, power_W);
    else
        status = list_table(m->rails, power_W);
    free(power_W);
    return status;
}

/* --- a table of measurements --- */

static json_t *table_document(cli_json *j, const cli_measurement *m)
{
    char text[512];
    kerf_summary energy = {0}, time = {0};
    const bool each = m->settings->inferences > 0;
    json_t *document = json_object(), *rows = json_array(), *row = json_object();
    cli_json_text(j, document, "format", "kerf-measurements/1");
    snprintf(text, sizeof text, "kerf measure %s on %s: %zu run%s%s", kerf_version(),
             *m->rails->board ? m->rails->board : "a board that does not say its name", m->n,
             m->n == 1 ? "" : "s", each ? "" : ", each taken for one inference");
    cli_json_text(j, document, "source", text);
    if (!summarise(m, each ? each_energy_J : energy_J, KERF_NONE, &energy) ||
        !summarise(m, each ? each_duration_s : duration_s, KERF_NONE, &time))
        j->failed = true;
    cli_json_text(j, row, "name", m->settings->of_network);
    cli_json_text(j, row, "network", m->settings->of_network);
    snprintf(text, sizeof text, "%.9g s", time.mean);
    cli_json_text(j, row, "latency", text);
    snprintf(text, sizeof text, "%.9g J", energy.mean);
    cli_json_text(j, row, "energy", text);
    cli_json_append(j, rows, row);
    cli_json_put(j, document, "measurements", rows);
    return document;
}

cli_exit cli_measure_write_table(const cli_measurement *m)
{
    cli_json j = {.failed = false};
    json_t *document = table_document(&j, m);
    char *text = j.failed ? NULL : json_dumps(document, JSON_INDENT(2));
    json_decref(document);
    if (!text)
        return cli_error(CLI_FAILED, "out of memory");
    kerf_outfile file = KERF_OUTFILE_NONE;
    kerf_error err = {0};
    kerf_status status =
        kerf_outfile_open(&file, m->settings->table_file, m->settings->force, &err);
    if (status == KERF_OK)
        status = kerf_outfile_write(&file, text, strlen(text), &err);
    if (status == KERF_OK)
        status = kerf_outfile_write(&file, "\n", 1, &err);
    if (status == KERF_OK)
        status = kerf_outfile_finish(&file, &err);
    if (status == KERF_OK)
        status = kerf_outfiles_place(&file, 1, m->settings->force, &err);
    kerf_outfiles_clear(&file, 1);
    free(text);
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}
