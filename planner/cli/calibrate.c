/* kerf calibrate: a device profile from measurements. */
#include "planner/cli/calibrate.h"

#include "planner/cli/commands.h"
#include "planner/cli/find.h"
#include "planner/cli/scene.h"

#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void clear(cli_calibration *c)
{
    kerf_calibration_destroy(&c->result);
    for (size_t i = 0; i < c->n_tables; i++)
        kerf_measurements_destroy(&c->tables[i]);
    free(c->tables);
    cli_overlay_clear(&c->overlay);
}

/* A file beside the table, or else what any command finds under that name. */
static kerf_status load_network(void *context, const kerf_measurement *row, const char *table,
                                kerf_network **network, kerf_error *err)
{
    const kerf_network_options options = {.batch = row->batch};
    char *path = kerf_path_beside(table, row->network);
    kerf_status status = KERF_OK;
    (void)context;
    if (path && access(path, F_OK) != 0) {
        free(path);
        path = NULL;
        status = cli_find(CLI_NETWORK, row->network, &path, err);
    }
    if (status == KERF_OK)
        status = kerf_network_load(path, &options, network, err);
    free(path);
    return status;
}

static bool has_form(bool energy, const char *name)
{
    const char *known;
    for (size_t i = 0; (known = kerf_fit_form_name(energy, i)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return true;
    return false;
}

static cli_exit refuse_form(const char *word)
{
    char list[300] = "";
    for (int energy = 0; energy < 2; energy++) {
        const char *known;
        for (size_t i = 0; (known = kerf_fit_form_name(energy, i)) != NULL; i++) {
            const size_t length = strlen(list);
            if (!energy || !has_form(false, known))
                snprintf(list + length, sizeof list - length, "%s%s", length ? ", " : "", known);
        }
    }
    return cli_error(CLI_USAGE, "--form: '%s': expected one of %s, or latency= or energy= and one",
                     word, list);
}

/* "NAME" is asked of whatever has such a form. */
static cli_exit read_forms(const cli_settings *settings, kerf_calibrate_options *options)
{
    for (size_t i = 0; i < settings->forms.n; i++) {
        const char *word = settings->forms.items[i];
        const bool latency = strncmp(word, "latency=", 8) == 0;
        const bool energy = strncmp(word, "energy=", 7) == 0;
        const char *name = latency ? word + 8 : energy ? word + 7 : word;
        const bool of_latency = !energy && has_form(false, name);
        const bool of_energy = !latency && has_form(true, name);
        if (!of_latency && !of_energy)
            return refuse_form(word);
        options->latency_form = of_latency ? name : options->latency_form;
        options->energy_form = of_energy ? name : options->energy_form;
    }
    return CLI_DONE;
}

static cli_exit load_tables(cli_calibration *c)
{
    const cli_list *paths = &c->settings->arguments;
    kerf_error err = {0};
    c->tables = kerf_calloc(paths->n, sizeof(kerf_measurements *));
    if (!c->tables)
        return cli_error(CLI_FAILED, "out of memory");
    for (size_t i = 0; i < paths->n; i++) {
        if (kerf_measurements_load(paths->items[i], &c->tables[i], &err) != KERF_OK)
            return cli_report(CLI_FAILED, &err);
        c->n_tables++;
    }
    return CLI_DONE;
}

static cli_exit fit(cli_calibration *c)
{
    const cli_settings *s = c->settings;
    kerf_error err = {0};
    kerf_calibrate_options options = {
        .latency_form = c->overlay.latency_form,
        .energy_form = c->overlay.energy_form,
        .board = s->board,
        .power_mode = s->power_mode,
        .folds = (size_t)s->folds,
        .bootstrap = (size_t)s->bootstrap,
        .seed = s->seed >= 0 ? (uint64_t)s->seed : 1,
        .contradictions =
            s->contradictions == KERF_CONTRADICTIONS_REFUSE && c->overlay.drop_contradictions
                ? KERF_CONTRADICTIONS_DROP
                : (kerf_contradictions)s->contradictions,
        .assumed = c->overlay.assumed,
        .n_assumed = c->overlay.n_assumed,
        .load = load_network,
    };
    const cli_exit status = read_forms(s, &options);
    if (status != CLI_DONE)
        return status;
    if (kerf_calibrate((const kerf_measurements *const *)c->tables, c->n_tables, &options,
                       &c->result, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    for (size_t i = 0; i < c->result->n_warnings; i++)
        cli_warning(s->quiet, "%s", c->result->warnings[i]);
    return CLI_DONE;
}

const kerf_fit_form *cli_calibrate_chosen(const kerf_calibration *result, bool energy)
{
    for (size_t i = 0; i < result->n_forms; i++)
        if (result->forms[i].chosen && result->forms[i].energy == energy)
            return &result->forms[i];
    return NULL;
}

const char *cli_row_family(const kerf_fit_row *row)
{
    const kerf_measurement *m = row->measurement;
    return m->family[0] ? m->family : m->group[0] ? m->group : m->name;
}

static int by_family(const void *a, const void *b)
{
    const cli_family_errors *x = a, *y = b;
    return strcmp(x->family, y->family);
}

cli_family_errors *cli_calibrate_families(const kerf_calibration *r, bool energy, size_t *n)
{
    cli_family_errors *list = kerf_calloc(r->n_rows, sizeof *list);
    *n = 0;
    for (size_t i = 0; list && i < r->n_rows; i++) {
        const kerf_fit_row *row = &r->rows[i];
        const double measured = energy ? row->measurement->energy_J : row->measurement->latency_s;
        const double predicted = energy ? row->validated_energy_J : row->validated_latency_s;
        size_t k = 0;
        if (isnan(measured) || isnan(predicted))
            continue;
        while (k < *n && strcmp(list[k].family, cli_row_family(row)) != 0)
            k++;
        if (k == *n)
            list[(*n)++] = (cli_family_errors){.family = cli_row_family(row)};
        list[k].rows++;
        list[k].mape += fabs(predicted / measured - 1);
        list[k].bias += predicted / measured - 1;
    }
    for (size_t k = 0; list && k < *n; k++) {
        list[k].mape /= (double)list[k].rows;
        list[k].bias /= (double)list[k].rows;
    }
    if (list)
        qsort(list, *n, sizeof *list, by_family);
    return list;
}

cli_exit cli_calibrate(const cli_settings *settings)
{
    cli_calibration c = {.settings = settings, .overlay = {.idle_W = NAN, .active_W = NAN}};
    kerf_error err = {0};
    cli_exit status = CLI_DONE;
    if (settings->overlay && cli_overlay_load(settings->overlay, &c.overlay, &err) != KERF_OK)
        status = cli_report(CLI_FAILED, &err);
    if (status == CLI_DONE)
        status = load_tables(&c);
    if (status == CLI_DONE)
        status = fit(&c);
    if (status == CLI_DONE && settings->output)
        status = cli_calibrate_profile(&c);
    if (status == CLI_DONE && settings->plot)
        status = cli_calibrate_plot(&c);
    if (status == CLI_DONE)
        status = settings->json  ? cli_calibrate_json(&c)
                 : settings->csv ? cli_calibrate_csv(&c)
                                 : cli_calibrate_table(&c);
    clear(&c);
    return status;
}
