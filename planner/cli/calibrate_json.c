/* The fit for programs: JSON, and every row as comma-separated values. */
#include "planner/cli/calibrate.h"
#include "planner/cli/json_out.h"
#include "planner/cli/table.h"

#include <stdlib.h>

static json_t *errors_json(cli_json *j, const kerf_fit_errors *e)
{
    json_t *o = json_object();
    cli_json_number(j, o, "mape", e->mape);
    cli_json_number(j, o, "median", e->median);
    cli_json_number(j, o, "r2", e->r2);
    cli_json_number(j, o, "spearman", e->spearman);
    cli_json_number(j, o, "deviation", e->deviation);
    return o;
}

static json_t *form_json(cli_json *j, const kerf_fit_form *form)
{
    json_t *o = json_object();
    cli_json_text(j, o, "name", form->name);
    cli_json_text(j, o, "of", form->energy ? "energy" : "latency");
    cli_json_text(j, o, "description", form->description);
    cli_json_bool(j, o, "fitted", form->fitted);
    cli_json_count(j, o, "coefficients", (int64_t)form->n_coefficients);
    if (!form->fitted) {
        cli_json_text(j, o, "reason", form->reason);
        return o;
    }
    cli_json_put(j, o, "validated", errors_json(j, &form->validated));
    cli_json_put(j, o, "own", errors_json(j, &form->own));
    cli_json_bool(j, o, "best", form->best);
    cli_json_bool(j, o, "chosen", form->chosen);
    cli_json_number(j, o, "worse", form->worse);
    cli_json_number(j, o, "worse_standard_error", form->worse_error);
    return o;
}

static json_t *coefficient_json(cli_json *j, const kerf_fit_coefficient *c)
{
    char text[64];
    json_t *o = json_object();
    cli_json_text(j, o, "name", c->name);
    cli_json_text(j, o, "text", kerf_format_quantity(c->value, c->kind, 3, text, sizeof text));
    cli_json_number(j, o, "value", c->value);
    if (!c->assumed)
        cli_json_number(j, o, "standard_error", c->standard_error);
    cli_json_bool(j, o, "assumed", c->assumed);
    return o;
}

static json_t *row_json(cli_json *j, const kerf_fit_row *row)
{
    json_t *o = json_object(), *shares = json_object();
    cli_json_text(j, o, "name", row->measurement->name);
    cli_json_text(j, o, "group", row->measurement->group);
    cli_json_text(j, o, "family", cli_row_family(row));
    cli_json_count(j, o, "fold", (int64_t)row->fold);
    cli_json_number(j, o, "latency_s", row->measurement->latency_s);
    cli_json_number(j, o, "predicted_latency_s", row->latency_s);
    cli_json_number(j, o, "validated_latency_s", row->validated_latency_s);
    cli_json_number(j, o, "energy_J", row->measurement->energy_J);
    cli_json_number(j, o, "predicted_energy_J", row->energy_J);
    cli_json_number(j, o, "validated_energy_J", row->validated_energy_J);
    cli_json_bool(j, o, "outlier", row->outlier);
    for (int c = 0; c < KERF_CLASS_COUNT; c++)
        if (row->class_share[c] > 0)
            cli_json_number(j, shares, kerf_class_name((kerf_class)c), row->class_share[c]);
    cli_json_put(j, o, "shares", shares);
    return o;
}

static json_t *families_json(cli_json *j, const kerf_calibration *r, bool energy)
{
    size_t n = 0;
    cli_family_errors *families = cli_calibrate_families(r, energy, &n);
    json_t *list = json_array();
    j->failed = j->failed || !families;
    for (size_t i = 0; families && i < n; i++) {
        json_t *o = json_object();
        cli_json_text(j, o, "family", families[i].family);
        cli_json_count(j, o, "rows", (int64_t)families[i].rows);
        cli_json_number(j, o, "mape", families[i].mape);
        cli_json_number(j, o, "bias", families[i].bias);
        cli_json_append(j, list, o);
    }
    free(families);
    return list;
}

cli_exit cli_calibrate_json(const cli_calibration *c)
{
    const kerf_calibration *r = c->result;
    cli_json j = {false};
    json_t *o = json_object(), *forms = json_array(), *coefficients = json_array(),
           *rows = json_array(), *left_out = json_array(), *warnings = json_array();
    cli_json_text(&j, o, "kerf", kerf_version());
    cli_json_count(&j, o, "groups", (int64_t)r->n_groups);
    cli_json_count(&j, o, "folds", (int64_t)r->n_folds);
    for (size_t i = 0; i < r->n_forms; i++)
        cli_json_append(&j, forms, form_json(&j, &r->forms[i]));
    for (size_t i = 0; i < r->n_coefficients; i++)
        cli_json_append(&j, coefficients, coefficient_json(&j, &r->coefficients[i]));
    for (size_t i = 0; i < r->n_rows; i++)
        cli_json_append(&j, rows, row_json(&j, &r->rows[i]));
    for (size_t i = 0; i < r->n_left_out; i++) {
        json_t *entry = json_object();
        cli_json_text(&j, entry, "name", r->left_out[i].measurement->name);
        cli_json_text(&j, entry, "reason", r->left_out[i].reason);
        cli_json_append(&j, left_out, entry);
    }
    for (size_t i = 0; i < r->n_warnings; i++)
        cli_json_append(&j, warnings, cli_json_string(&j, r->warnings[i]));
    cli_json_put(&j, o, "forms", forms);
    cli_json_put(&j, o, "coefficients", coefficients);
    if (r->has_latency)
        cli_json_put(&j, o, "latency_families", families_json(&j, r, false));
    if (r->has_energy)
        cli_json_put(&j, o, "energy_families", families_json(&j, r, true));
    cli_json_put(&j, o, "rows", rows);
    cli_json_put(&j, o, "left_out", left_out);
    cli_json_put(&j, o, "warnings", warnings);
    return cli_json_print(&j, o);
}

cli_exit cli_calibrate_csv(const cli_calibration *c)
{
    static const char *const names[] = {"name",
                                        "group",
                                        "family",
                                        "fold",
                                        "latency_s",
                                        "predicted_latency_s",
                                        "validated_latency_s",
                                        "energy_J",
                                        "predicted_energy_J",
                                        "validated_energy_J",
                                        "outlier"};
    cli_csv_header(stdout, names, sizeof names / sizeof *names);
    for (size_t i = 0; i < c->result->n_rows; i++) {
        const kerf_fit_row *row = &c->result->rows[i];
        cli_csv_text(stdout, true, row->measurement->name);
        cli_csv_text(stdout, false, row->measurement->group);
        cli_csv_text(stdout, false, cli_row_family(row));
        cli_csv_number(stdout, false, (double)row->fold);
        cli_csv_number(stdout, false, row->measurement->latency_s);
        cli_csv_number(stdout, false, row->latency_s);
        cli_csv_number(stdout, false, row->validated_latency_s);
        cli_csv_number(stdout, false, row->measurement->energy_J);
        cli_csv_number(stdout, false, row->energy_J);
        cli_csv_number(stdout, false, row->validated_energy_J);
        cli_csv_number(stdout, false, row->outlier);
        fputc('\n', stdout);
    }
    return CLI_DONE;
}
