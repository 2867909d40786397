/* Writes what was fitted, and what the overlay says beside it, as a device profile. */
#include "planner/cli/calibrate.h"
#include "planner/cli/json_out.h"

#include "base/outfile.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS 3
#define TEXT   4000

static json_t *quantity(double value, kerf_quantity kind)
{
    char text[64];
    return json_string(kerf_format_quantity(value, kind, DIGITS, text, sizeof text));
}

/* --- one mode --- */

/* Classes that differ from the default, and that; `all` says it also where it is 0. */
static json_t *by_class(cli_json *j, const double *values, kerf_quantity kind, bool all)
{
    json_t *table = json_object();
    const double fallback = values[KERF_CLASS_OTHER];
    bool any = fallback > 0;
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        const bool multiplies = c <= KERF_CLASS_RECURRENT;
        any = any || values[c] > 0;
        if (values[c] != fallback || (all && multiplies))
            cli_json_put(j, table, kerf_class_name((kerf_class)c), quantity(values[c], kind));
    }
    if (all || fallback > 0)
        cli_json_put(j, table, "default", quantity(fallback, kind));
    if (any || all)
        return table;
    json_decref(table);
    return NULL;
}

static void put_refinement(cli_json *j, json_t *part, const kerf_refinement *more,
                           kerf_quantity per_byte, kerf_quantity plain)
{
    json_t *bytes = by_class(j, more->per_byte, per_byte, false);
    json_t *weights = by_class(j, more->per_weight_byte, per_byte, false);
    if (more->per_step > 0)
        cli_json_put(j, part, "per_step", quantity(more->per_step, plain));
    if (more->grouped_launch > 0)
        cli_json_put(j, part, "grouped_launch", quantity(more->grouped_launch, plain));
    if (bytes)
        cli_json_put(j, part, "more_per_byte", bytes);
    if (weights)
        cli_json_put(j, part, "more_per_weight_byte", weights);
}

static json_t *latency_json(cli_json *j, const kerf_power_mode *mode)
{
    json_t *part = json_object();
    const bool sum = mode->latency_form == KERF_LATENCY_SUM;
    cli_json_text(j, part, "form", sum ? "sum" : "max");
    cli_json_put(j, part, "per_mac", by_class(j, mode->s_per_mac, KERF_TIME_PER_MAC, true));
    cli_json_put(j, part, "per_byte", quantity(mode->s_per_byte, KERF_TIME_PER_BYTE));
    cli_json_put(j, part, "launch", quantity(mode->launch_s, KERF_TIME));
    cli_json_put(j, part, "partition", quantity(mode->partition_s, KERF_TIME));
    put_refinement(j, part, &mode->latency_more, KERF_TIME_PER_BYTE, KERF_TIME);
    return part;
}

static json_t *energy_json(cli_json *j, const kerf_power_mode *mode)
{
    static const char *const names[] = {[KERF_ENERGY_CLASSES] = "classes",
                                        [KERF_ENERGY_MAC_KERNELS] = "mac-kernels",
                                        [KERF_ENERGY_FLOOR] = "floor",
                                        [KERF_ENERGY_POWER] = "power"};
    json_t *part = json_object();
    cli_json_text(j, part, "form", names[mode->energy_form]);
    if (mode->energy_form == KERF_ENERGY_POWER) {
        cli_json_put(j, part, "active", quantity(mode->active_W, KERF_POWER));
        return part;
    }
    cli_json_put(j, part, "per_mac", by_class(j, mode->J_per_mac, KERF_ENERGY_PER_MAC, true));
    if (mode->energy_form == KERF_ENERGY_MAC_KERNELS)
        cli_json_put(j, part, "per_kernel", quantity(mode->J_per_kernel, KERF_ENERGY_PER_KERNEL));
    cli_json_put(j, part, "per_byte", quantity(mode->J_per_byte, KERF_ENERGY_PER_BYTE));
    cli_json_put(j, part, "launch", quantity(mode->launch_J, KERF_ENERGY));
    cli_json_put(j, part, "partition", quantity(mode->partition_J, KERF_ENERGY));
    if (mode->energy_form == KERF_ENERGY_FLOOR) {
        cli_json_put(j, part, "floor", quantity(mode->floor_J, KERF_ENERGY));
        cli_json_put(j, part, "floor_exponent", json_integer((json_int_t)mode->floor_exponent));
    }
    if (mode->energy_form != KERF_ENERGY_MAC_KERNELS)
        put_refinement(j, part, &mode->energy_more, KERF_ENERGY_PER_BYTE, KERF_ENERGY);
    return part;
}

static json_t *uncertainty_json(cli_json *j, const kerf_uncertainty *u)
{
    json_t *object = json_object(), *coefficients = json_array(), *correlation = json_array();
    for (size_t i = 0; i < u->n; i++) {
        json_t *entry = json_object();
        cli_json_text(j, entry, "name", u->coefficients[i].name);
        cli_json_put(j, entry, "relative", json_real(u->coefficients[i].relative));
        cli_json_append(j, coefficients, entry);
        if (i == 0)
            continue;
        json_t *row = json_array();
        for (size_t k = 0; k < i; k++)
            cli_json_append(j, row, json_real(u->correlation[i * u->n + k]));
        cli_json_append(j, correlation, row);
    }
    cli_json_put(j, object, "coefficients", coefficients);
    cli_json_put(j, object, "correlation", correlation);
    if (u->latency_residual > 0)
        cli_json_put(j, object, "latency_residual",
                     json_real(round(u->latency_residual * 1000) / 1000));
    if (u->energy_residual > 0)
        cli_json_put(j, object, "energy_residual",
                     json_real(round(u->energy_residual * 1000) / 1000));
    return object;
}

static json_t *mode_json(cli_json *j, const char *name, const char *basis,
                         const kerf_power_mode *mode)
{
    json_t *object = json_object();
    cli_json_text(j, object, "name", name);
    if (basis)
        cli_json_text(j, object, "basis", basis);
    cli_json_put(j, object, "latency", latency_json(j, mode));
    cli_json_put(j, object, "energy", energy_json(j, mode));
    cli_json_put(j, object, "idle", quantity(mode->idle_W, KERF_POWER));
    return object;
}

/* --- modes that were not measured --- */

/* Times scale with the clock of what does the work. The energy above idle scales with it too:
 * dynamic energy per operation goes with the voltage squared, and that is taken to grow with the
 * clock. */
static void scale_one(double *s, double *J, double ratio, double idle_W, double new_idle_W)
{
    const double dynamic = *J > idle_W * *s ? *J - idle_W * *s : 0;
    const bool had_energy = *J > 0;
    *s /= ratio;
    *J = had_energy ? new_idle_W * *s + dynamic * ratio : 0;
}

static void scale(kerf_power_mode *mode, const cli_clocks *from, const cli_derived_mode *to)
{
    const double gpu = to->clocks.gpu / from->gpu, memory = to->clocks.memory / from->memory,
                 cpu = to->clocks.cpu / from->cpu, idle = mode->idle_W;
    kerf_refinement *s = &mode->latency_more, *J = &mode->energy_more;
    double none = 0;
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        scale_one(&mode->s_per_mac[c], &mode->J_per_mac[c], gpu, idle, to->idle_W);
        scale_one(&s->per_byte[c], &J->per_byte[c], memory, idle, to->idle_W);
        scale_one(&s->per_weight_byte[c], &J->per_weight_byte[c], memory, idle, to->idle_W);
    }
    scale_one(&mode->s_per_byte, &mode->J_per_byte, memory, idle, to->idle_W);
    scale_one(&mode->launch_s, &mode->launch_J, cpu, idle, to->idle_W);
    scale_one(&mode->partition_s, &mode->partition_J, cpu, idle, to->idle_W);
    scale_one(&s->per_step, &J->per_step, gpu, idle, to->idle_W);
    scale_one(&s->grouped_launch, &J->grouped_launch, cpu, idle, to->idle_W);
    scale_one(&none, &mode->J_per_kernel, gpu, idle, to->idle_W);
    none = 0;
    scale_one(&none, &mode->floor_J, cpu, idle, to->idle_W);
    if (mode->energy_form == KERF_ENERGY_POWER) {
        const double active = to->idle_W + (mode->active_W - idle) * gpu * gpu;
        mode->active_W = active < to->budget_W ? active : to->budget_W;
        if (!isnan(to->active_W))
            mode->active_W = to->active_W;
    }
    mode->idle_W = to->idle_W;
}

static void put_modes(cli_json *j, json_t *device, const cli_overlay *o,
                      const kerf_power_mode *measured)
{
    json_t *modes = json_array();
    const char *name = o->mode ? o->mode : "default";
    if (!o->hidden) {
        json_t *mode = mode_json(j, name, NULL, measured);
        if (measured->uncertainty.n > 0)
            cli_json_put(j, mode, "uncertainty", uncertainty_json(j, &measured->uncertainty));
        cli_json_append(j, modes, mode);
    }
    for (size_t i = 0; i < o->n_modes; i++) {
        kerf_power_mode derived = *measured;
        scale(&derived, &o->clocks, &o->modes[i]);
        json_t *mode = mode_json(j, o->modes[i].name, o->modes[i].basis, &derived);
        if (!o->hidden && measured->uncertainty.n > 0)
            cli_json_text(j, mode, "uncertainty", name);
        cli_json_append(j, modes, mode);
    }
    cli_json_put(j, device, "modes", modes);
}

/* --- what it says of itself --- */

static void append(char *text, const char *format, ...) KERF_PRINTF(2, 3);
static void append(char *text, const char *format, ...)
{
    const size_t length = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + length, TEXT - length, format, arguments);
    va_end(arguments);
}

static void describe_fit(char *text, const kerf_calibration *r, bool energy)
{
    const kerf_fit_form *form = cli_calibrate_chosen(r, energy);
    if (!form)
        return;
    const kerf_fit_errors *e = &form->validated;
    append(text,
           " %s: form %s (%s), %zu coefficients; of rows left out of the fit %.1f %% mean, %.1f %% "
           "median absolute error, R2 %.2f, rank correlation %.3f.",
           energy ? "Energy" : "Latency", form->name, form->description, form->n_coefficients,
           100 * e->mape, 100 * e->median, e->r2, e->spearman);
}

static void fit_text(const cli_calibration *c, char *text)
{
    const kerf_calibration *r = c->result;
    const kerf_fit_form *latency = cli_calibrate_chosen(r, false);
    const kerf_fit_form *energy = cli_calibrate_chosen(r, true);
    snprintf(text, TEXT,
             "Least absolute relative errors, non-negative coefficients; %zu rows in %zu groups, "
             "validated over %zu folds of groups.",
             r->n_rows, r->n_groups, r->n_folds);
    describe_fit(text, r, false);
    describe_fit(text, r, true);
    if (!energy)
        append(text, " Energy: not fitted.");
    if (c->overlay.hidden)
        append(text, " These are the errors on the board that was measured, not on this one.");
    else if (energy)
        append(text, " In short: energy %.0f %% off on average, latency %.0f %%.",
               100 * energy->validated.mape, latency ? 100 * latency->validated.mape : NAN);
    else
        append(text, " In short: latency %.0f %% off on average, energy assumed.",
               latency ? 100 * latency->validated.mape : NAN);
}

static void provenance_text(const cli_calibration *c, char *text)
{
    snprintf(text, TEXT, "%s%s", c->overlay.provenance ? c->overlay.provenance : "",
             c->overlay.provenance ? " " : "");
    append(text, "Fitted by kerf calibrate on %zu measurements", c->result->n_rows);
    for (size_t i = 0; i < c->n_tables; i++)
        append(text, "%s %s", i ? ";" : ":",
               c->tables[i]->source[0] ? c->tables[i]->source : "source not stated");
    append(text, ".");
    if (c->result->n_left_out > 0)
        append(text, " %zu measurements that cannot all be true were left out.",
               c->result->n_left_out);
}

static json_t *device_json(cli_json *j, const cli_calibration *c, const char *name,
                           const kerf_power_mode *mode)
{
    char text[TEXT];
    const cli_overlay *o = &c->overlay;
    json_t *device = json_object();
    cli_json_text(j, device, "format", "kerf-device/1");
    cli_json_text(j, device, "name", name);
    cli_json_text(j, device, "description", o->description ? o->description : name);
    provenance_text(c, text);
    cli_json_text(j, device, "provenance", text);
    fit_text(c, text);
    cli_json_text(j, device, "fit", text);
    cli_json_text(j, device, "assumptions",
                  o->assumptions ? o->assumptions
                                 : "Other classes of operators than those measured are priced like "
                                   "their nearest kin.");
    if (o->memory)
        cli_json_text(j, device, "memory", o->memory);
    if (o->default_mode)
        cli_json_text(j, device, "default_mode", o->default_mode);
    put_modes(j, device, o, mode);
    return device;
}

/* --- the file --- */

static bool is_plain(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

/* Lists of plain values, and small objects of them, stay on one line. */
static bool on_one_line(json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (is_plain(value))
        return true;
    json_array_foreach(value, i, member) if (!is_plain(member)) return false;
    json_object_foreach(value, key, member) if (!is_plain(member)) return false;
    return json_is_array(value) ||
           (json_object_size(value) <= 2 && json_object_get(value, "relative"));
}

static void print_value(FILE *to, json_t *value, int indent)
{
    const char *key, *comma = "";
    json_t *member;
    size_t i;
    if (on_one_line(value)) {
        json_dumpf(value, to, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        return;
    }
    fputs(json_is_array(value) ? "[" : "{", to);
    json_array_foreach(value, i, member)
    {
        fprintf(to, "%s\n%*s", comma, indent + 2, "");
        print_value(to, member, indent + 2);
        comma = ",";
    }
    json_object_foreach(value, key, member)
    {
        fprintf(to, "%s\n%*s\"%s\": ", comma, indent + 2, "", key);
        print_value(to, member, indent + 2);
        comma = ",";
    }
    fprintf(to, "\n%*s%s", indent, "", json_is_array(value) ? "]" : "}");
}

static cli_exit write_file(json_t *device, const char *path, bool force)
{
    kerf_outfile file = KERF_OUTFILE_NONE;
    kerf_error err = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return cli_error(CLI_FAILED, "out of memory");
    print_value(memory, device, 0);
    fputc('\n', memory);
    const bool bad = ferror(memory) != 0;
    if (fclose(memory) != 0 || bad) {
        free(text);
        return cli_error(CLI_FAILED, "out of memory");
    }
    kerf_status status = kerf_outfile_open(&file, path, force, &err);
    if (status == KERF_OK)
        status = kerf_outfile_write(&file, text, size, &err);
    if (status == KERF_OK)
        status = kerf_outfile_finish(&file, &err);
    if (status == KERF_OK)
        status = kerf_outfiles_place(&file, 1, force, &err);
    kerf_outfiles_clear(&file, 1);
    free(text);
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

/* The board that all rows name, or NULL. */
static const char *board_of(const cli_calibration *c)
{
    const char *board = c->result->rows[0].measurement->board;
    return board[0] ? board : NULL;
}

/* The measured mode with what the overlay adds. */
static cli_exit complete(const cli_calibration *c, kerf_power_mode *mode)
{
    *mode = c->result->mode;
    if (!c->result->has_latency)
        return cli_error(CLI_FAILED, "a profile needs latencies, none of the rows has one");
    if (!c->result->has_energy && isnan(c->overlay.active_W))
        return cli_error(CLI_FAILED, "no energy was measured: state the board's power while it "
                                     "computes in an overlay (\"active\")");
    if (isnan(c->overlay.idle_W))
        return cli_error(
            CLI_FAILED,
            "a profile needs the board's idle power: state it in an overlay (\"idle\")");
    if (!c->result->has_energy) {
        mode->energy_form = KERF_ENERGY_POWER;
        mode->active_W = c->overlay.active_W;
    }
    mode->idle_W = c->overlay.idle_W;
    return CLI_DONE;
}

cli_exit cli_calibrate_profile(const cli_calibration *c)
{
    cli_json j = {false};
    kerf_power_mode mode;
    const char *name = c->settings->device_name ? c->settings->device_name
                       : c->overlay.name        ? c->overlay.name
                                                : board_of(c);
    if (!name)
        return cli_error(CLI_USAGE, "calibrate: the rows name no board; --device-name NAME does");
    cli_exit status = complete(c, &mode);
    if (status != CLI_DONE)
        return status;
    json_t *device = device_json(&j, c, name, &mode);
    status = j.failed ? cli_error(CLI_FAILED, "out of memory")
                      : write_file(device, c->settings->output, c->settings->force);
    json_decref(device);
    return status;
}
