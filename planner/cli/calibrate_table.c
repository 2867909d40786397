/* The fit for people: forms side by side, the chosen coefficients, families, outliers. */
#include "planner/cli/calibrate.h"
#include "planner/cli/table.h"

#include <stdlib.h>
#include <string.h>

#define MOST_OUTLIERS 12
#define MOST_FAMILIES 30

static bool was_measured(const kerf_calibration *r, bool energy)
{
    return energy ? r->has_energy : r->has_latency;
}

static void form_row(cli_table *t, const kerf_fit_form *form)
{
    cli_table_cell(t, "%s%s", form->chosen ? "* " : "  ", form->name);
    if (!form->fitted) {
        cli_table_cell(t, "%zu", form->n_coefficients);
        for (int i = 0; i < 5; i++)
            cli_table_cell(t, "-");
        cli_table_cell(t, "%s", form->reason);
        return;
    }
    cli_table_cell(t, "%zu", form->n_coefficients);
    cli_table_cell(t, "%.1f %%", 100 * form->validated.mape);
    cli_table_cell(t, "%.1f %%", 100 * form->validated.median);
    cli_table_cell(t, "%.2f", form->validated.r2);
    cli_table_cell(t, "%.3f", form->validated.spearman);
    cli_table_cell(t, "%.1f %%", 100 * form->own.mape);
    cli_table_cell(t, "%s", form->description);
}

static bool print_forms(const kerf_calibration *r, bool energy)
{
    cli_table *t = cli_table_create("lrrrrrrf", CLI_WIDTH + 12);
    if (!t)
        return false;
    cli_table_heading(t);
    static const char *const headings[] = {"  form", "n",    "mean",   "median",
                                           "R2",     "rank", "fitted", "made of"};
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        cli_table_cell(t, "%s", headings[i]);
    for (size_t i = 0; i < r->n_forms; i++)
        if (r->forms[i].energy == energy)
            form_row(t, &r->forms[i]);
    const bool good = cli_table_print(t, stdout);
    cli_table_destroy(&t);
    return good;
}

static bool print_coefficients(const kerf_calibration *r)
{
    cli_table *t = cli_table_create("frrl", CLI_WIDTH);
    if (!t)
        return false;
    cli_table_heading(t);
    cli_table_cell(t, "coefficient");
    cli_table_cell(t, "value");
    cli_table_cell(t, "standard error");
    cli_table_cell(t, "%s", "");
    for (size_t i = 0; i < r->n_coefficients; i++) {
        const kerf_fit_coefficient *c = &r->coefficients[i];
        cli_table_cell(t, "%s", c->name);
        cli_table_quantity(t, c->value, c->kind);
        if (c->assumed)
            cli_table_cell(t, "-");
        else
            cli_table_quantity(t, c->standard_error, c->kind);
        cli_table_cell(t, "%s", c->assumed ? "assumed" : "");
    }
    const bool good = cli_table_print(t, stdout);
    cli_table_destroy(&t);
    return good;
}

static bool print_families(const kerf_calibration *r, bool energy)
{
    size_t n = 0;
    cli_family_errors *families = cli_calibrate_families(r, energy, &n);
    cli_table *t = cli_table_create("frrr", CLI_WIDTH);
    bool good = families && t;
    if (good && n > 1 && n <= MOST_FAMILIES) {
        cli_table_heading(t);
        cli_table_cell(t, "family (%s)", energy ? "energy" : "latency");
        cli_table_cell(t, "rows");
        cli_table_cell(t, "mean error");
        cli_table_cell(t, "bias");
        for (size_t i = 0; i < n; i++) {
            cli_table_cell(t, "%s", families[i].family);
            cli_table_cell(t, "%zu", families[i].rows);
            cli_table_cell(t, "%.1f %%", 100 * families[i].mape);
            cli_table_cell(t, "%+.1f %%", 100 * families[i].bias);
        }
        good = cli_table_print(t, stdout);
        fputc('\n', stdout);
    }
    cli_table_destroy(&t);
    free(families);
    return good;
}

static void outlier_row(cli_table *t, const kerf_fit_row *row)
{
    cli_table_cell(t, "%s", row->measurement->name);
    for (int energy = 0; energy < 2; energy++) {
        const double measured = energy ? row->measurement->energy_J : row->measurement->latency_s;
        const double predicted = energy ? row->validated_energy_J : row->validated_latency_s;
        const kerf_quantity kind = energy ? KERF_ENERGY : KERF_TIME;
        if (isnan(measured) || isnan(predicted)) {
            cli_table_cell(t, "-");
            cli_table_cell(t, "-");
            continue;
        }
        cli_table_quantity(t, measured, kind);
        cli_table_quantity(t, predicted, kind);
    }
}

static bool print_outliers(const kerf_calibration *r)
{
    size_t n = 0, shown = 0;
    for (size_t i = 0; i < r->n_rows; i++)
        n += r->rows[i].outlier;
    if (n == 0)
        return true;
    cli_table *t = cli_table_create("frrrr", CLI_WIDTH);
    if (!t)
        return false;
    cli_table_heading(t);
    cli_table_cell(t, "outliers (%zu)", n);
    cli_table_cell(t, "latency");
    cli_table_cell(t, "predicted");
    cli_table_cell(t, "energy");
    cli_table_cell(t, "predicted");
    for (size_t i = 0; i < r->n_rows && shown < MOST_OUTLIERS; i++) {
        if (!r->rows[i].outlier)
            continue;
        outlier_row(t, &r->rows[i]);
        shown++;
    }
    const bool good = cli_table_print(t, stdout);
    cli_table_destroy(&t);
    if (n > shown)
        printf("(%zu more; --csv lists every row)\n", n - shown);
    fputc('\n', stdout);
    return good;
}

static void print_left_out(const kerf_calibration *r)
{
    if (r->n_left_out == 0)
        return;
    printf("Left out: %zu rows that cannot all be true, such as %s (%s).\n\n", r->n_left_out,
           r->left_out[0].measurement->name, r->left_out[0].reason);
}

cli_exit cli_calibrate_table(const cli_calibration *c)
{
    const kerf_calibration *r = c->result;
    bool good = true;
    printf("%zu rows in %zu groups, %zu folds. Errors are of rows left out of the fit; \"fitted\" "
           "of the fit itself.\n\n",
           r->n_rows, r->n_groups, r->n_folds);
    for (int energy = 0; energy < 2 && good; energy++) {
        if (!was_measured(r, energy))
            continue;
        printf("%s (* chosen)\n", energy ? "Energy" : "Latency");
        good = print_forms(r, energy);
        fputc('\n', stdout);
    }
    good = good && print_coefficients(r);
    fputc('\n', stdout);
    for (int energy = 0; energy < 2 && good; energy++)
        if (was_measured(r, energy))
            good = print_families(r, energy);
    good = good && print_outliers(r);
    print_left_out(r);
    if (c->settings->output)
        printf("Written: %s\n", c->settings->output);
    return good ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}
