/* What plans are worth under uncertainty, for people. */
#include "planner/cli/robust.h"
#include "planner/cli/table.h"
#include "planner/robust/robust_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAR 100 /* times as much, or as little: no figure is as far off */

static void cost_cell(cli_table *table, kerf_objective objective, double value)
{
    if (objective == KERF_OBJ_LATENCY || objective == KERF_OBJ_THROUGHPUT)
        cli_table_quantity(table, value, KERF_TIME);
    else if (objective == KERF_OBJ_ENERGY || objective == KERF_OBJ_TOTAL_ENERGY)
        cli_table_quantity(table, value, KERF_ENERGY);
    else
        cli_table_cell(table, "%.3g", value);
}

static void regret_cell(cli_table *table, kerf_objective objective, double value, double scale)
{
    if (fabs(value) <= 1e-12 * scale)
        cli_table_cell(table, "0");
    else
        cost_cell(table, objective, value);
}

static void role_name(const cli_settings *settings, kerf_robust_role role, char *text, size_t size)
{
    static const char *const names[] = {[KERF_ROBUST_PLAN] = "this plan",
                                        [KERF_ROBUST_NOMINAL] = "best as stated",
                                        [KERF_ROBUST_EXPECTED] = "least expected",
                                        [KERF_ROBUST_REGRET] = "least regret",
                                        [KERF_ROBUST_CHANCE] = "",
                                        [KERF_ROBUST_ALL_DEVICE] = "all device",
                                        [KERF_ROBUST_ALL_SERVER] = "all server"};
    if (role == KERF_ROBUST_CHANCE)
        snprintf(text, size, "%s %g", settings->aim == KERF_AIM_CANTELLI ? "Cantelli" : "chance",
                 settings->aim == KERF_AIM_CHANCE || settings->aim == KERF_AIM_CANTELLI
                     ? settings->probability
                     : 0.95);
    else
        snprintf(text, size, "%s", names[role]);
}

static void miss_cell(cli_table *table, const kerf_robust_figures *f)
{
    cli_table_cell(table, "%.3g %% (%.3g-%.3g)", 100 * f->miss, 100 * f->miss_low,
                   100 * f->miss_high);
}

static void add_row(cli_table *table, const cli_settings *settings, const kerf_robust *r,
                    kerf_robust_role role)
{
    const kerf_robust_row *row = &r->rows[role];
    const kerf_robust_figures *f = &row->figures;
    const kerf_objective objective = settings->objective;
    char name[48];
    if (!row->exists)
        return;
    role_name(settings, role, name, sizeof name);
    cli_table_cell(table, "%s", name);
    cli_table_cell(table, "%zu", row->device_operators);
    cost_cell(table, objective, f->mean);
    cost_cell(table, objective, f->p95);
    cost_cell(table, objective, f->worst);
    regret_cell(table, objective, f->mean_regret, f->mean);
    regret_cell(table, objective, f->worst_regret, f->mean);
    if (!isnan(f->miss))
        miss_cell(table, f);
}

static void say_what(const kerf_robust *r, const cli_settings *settings,
                     const kerf_spreads *spreads)
{
    char text[900];
    size_t used = (size_t)snprintf(text, sizeof text, "%zu scenarios (seed %lld) of ", r->scenarios,
                                   (long long)(settings->seed > 0 ? settings->seed : 0));
    if (spreads->profile)
        used += (size_t)snprintf(text + used, sizeof text - used, "the profile's own spread%s",
                                 spreads->n ? ", " : "");
    for (size_t i = 0; i < spreads->n && used < sizeof text - 260; i++) {
        const kerf_spread *s = &spreads->list[i];
        const char *comma = i + 1 < spreads->n ? ", " : "";
        if (s->kind == KERF_SPREAD_TRACE)
            used += (size_t)snprintf(text + used, sizeof text - used, "a trace of %zu rates%s",
                                     s->n, comma);
        else if (s->kind == KERF_SPREAD_RELATIVE)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %g %%%s", s->what,
                                     100 * s->relative, comma);
        else
            used += (size_t)snprintf(text + used, sizeof text - used, "%s %.4g to %.4g%s", s->what,
                                     s->low, s->high, comma);
    }
    printf("\n%-13s", "uncertain");
    cli_wrap(stdout, text, 13, 13, CLI_WIDTH);
}

static void say_proof(const kerf_robust *r)
{
    printf("%-13s", "over");
    if (r->complete)
        printf("all %zu placements that keep the other limits, each priced in every scenario\n",
               r->placements);
    else
        printf("%zu placements that are best in some scenarios: there are too many to price all\n",
               r->placements);
}

static bool print_robust(const cli_settings *settings, const cli_doubts *doubts)
{
    const kerf_robust *r = doubts->robust;
    const bool deadline = !isnan(r->rows[KERF_ROBUST_PLAN].figures.miss);
    cli_table *table = cli_table_create(deadline ? "lrrrrrrr" : "lrrrrrr", CLI_WIDTH);
    if (!table)
        return false;
    say_what(r, settings, doubts->spreads);
    say_proof(r);
    fputc('\n', stdout);
    const char *const headings[] = {"",      "on device",   "expected",   "p95",
                                    "worst", "mean regret", "max regret", "misses deadline"};
    cli_table_heading(table);
    cli_table_cell(table, "%s",
                   settings->objective == KERF_OBJ_THROUGHPUT
                       ? "slowest stage"
                       : kerf_objective_name(settings->objective));
    for (size_t i = 1; i < 7 + (size_t)deadline; i++)
        cli_table_cell(table, "%s", headings[i]);
    for (int k = 0; k < KERF_ROBUST_ROLES; k++)
        add_row(table, settings, r, (kerf_robust_role)k);
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

/* --- how far figures may be off --- */

static void say_change(const kerf_break_even *b, char *text, size_t size)
{
    const bool below = b->below > 0, above = isfinite(b->above);
    text[0] = '\0';
    if (below)
        snprintf(text, size, "%.3g %% lower", 100 * (1 - b->below / b->now));
    const size_t used = strlen(text);
    if (above && b->above < 10 * b->now)
        snprintf(text + used, size - used, "%s%.3g %% higher", below ? " or " : "",
                 100 * (b->above / b->now - 1));
    else if (above)
        snprintf(text + used, size - used, "%s%.3g times as high", below ? " or " : "",
                 b->above / b->now);
}

static const char *in_words(const char *what)
{
    static const char *const words[][2] = {{"energy", "the device's energy"},
                                           {"latency", "the device's time"},
                                           {"idle", "the board's idle power"},
                                           {"server", "the server's time"},
                                           {"radio", "the radio's power"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], what) == 0)
            return words[i][1];
    return what;
}

void cli_sensitivity_line(const kerf_sensitivity *s)
{
    const kerf_break_even *b = s->closest == KERF_NONE ? NULL : &s->list[s->closest];
    char change[96];
    printf("%-13s", "sensitive to");
    if (!b || (b->above > FAR && b->below < 1.0 / FAR)) {
        printf("no figure of the device, the server or the radio alone, within a factor of %d\n",
               FAR);
        return;
    }
    say_change(b, change, sizeof change);
    printf("%s: another answer is better if it is %s\n", in_words(b->what), change);
}

static void bound_cell(cli_table *table, const kerf_break_even *b, double value)
{
    robust_target target;
    if (!(value > 0) || isinf(value))
        cli_table_cell(table, "-");
    else if (b->is_factor)
        cli_table_cell(table, "%+.3g %%", 100 * (value - 1));
    else if (robust_target_find(b->what, &target) &&
             robust_target_quantity(&target) != KERF_FRACTION)
        cli_table_quantity(table, value, robust_target_quantity(&target));
    else
        cli_table_cell(table, "%.4g", value);
}

static bool print_sensitivity(const kerf_sensitivity *s)
{
    cli_table *table = cli_table_create("lrrr", CLI_WIDTH);
    if (!table)
        return false;
    fputc('\n', stdout);
    cli_table_heading(table);
    cli_table_cell(table, "another answer is better");
    cli_table_cell(table, "below");
    cli_table_cell(table, "now");
    cli_table_cell(table, "above");
    for (size_t i = 0; i < s->n; i++) {
        cli_table_cell(table, "%s", s->list[i].what);
        bound_cell(table, &s->list[i], s->list[i].below);
        if (s->list[i].is_factor)
            cli_table_cell(table, "%s", "");
        else
            bound_cell(table, &s->list[i], s->list[i].now);
        bound_cell(table, &s->list[i], s->list[i].above);
    }
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

bool cli_doubts_table(const cli_settings *settings, const cli_scene *scene,
                      const cli_doubts *doubts)
{
    (void)scene;
    if (doubts->sensitivity && settings->sensitivity && !print_sensitivity(doubts->sensitivity))
        return false;
    return !doubts->robust || print_robust(settings, doubts);
}
