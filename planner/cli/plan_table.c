/* The plan for people: the answer in a sentence, its cost beside the two extremes, and why. */
#include "planner/cli/plan.h"
#include "planner/cli/robust.h"
#include "planner/cli/table.h"

#include "base/text.h"
#include "planner/problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL  13 /* columns of the labels below the table */
#define DIGITS 3

static cli_number quantity(double value, kerf_quantity kind)
{
    return cli_quantity(value, kind, DIGITS);
}

/* --- the sentence --- */

/* The last operator on the device if those are the first ones in the network's order. */
static size_t last_of_prefix(const kerf_network *network, const kerf_side *side)
{
    size_t last = KERF_NONE;
    bool ended = false;
    for (size_t i = 0; i < network->n_operators; i++) {
        if (side[i] == KERF_SIDE_DEVICE && ended)
            return KERF_NONE;
        if (side[i] == KERF_SIDE_DEVICE)
            last = i;
        ended = ended || side[i] == KERF_SIDE_SERVER;
    }
    return last;
}

static void say_sent(FILE *out, const char *send, const char *what, const kerf_plan *plan)
{
    fprintf(out, "%s %s (%s, %s)", send, what, quantity(plan->cut.wire_bytes, KERF_SIZE).text,
            quantity(plan->cost.uplink_s, KERF_TIME).text);
}

static void say_split(FILE *out, const cli_scene *scene, const kerf_plan *plan, size_t on_device)
{
    const kerf_network *network = scene->network;
    const size_t last = last_of_prefix(network, plan->side);
    char what[40];
    snprintf(what, sizeof what, "%zu tensor%s", plan->cut.n_tensors,
             plan->cut.n_tensors == 1 ? "" : "s");
    if (last == KERF_NONE)
        fprintf(out, "Run %zu of %zu operators", on_device, network->n_placed);
    else if (on_device == 1)
        fprintf(out, "Run the first of %zu operators ('%.100s')", network->n_placed,
                network->operators[last].name);
    else
        fprintf(out, "Run the first %zu of %zu operators (to '%.100s')", on_device,
                network->n_placed, network->operators[last].name);
    fprintf(out, " on %s, ", scene->device->name);
    say_sent(out, "send", what, plan);
    fprintf(out, ", run the rest on %s", scene->server->name);
}

/* "all 12 operators", "the one operator". */
static void say_all(FILE *out, const kerf_network *network)
{
    if (network->n_placed == 1)
        fputs("the one operator", out);
    else
        fprintf(out, "all %zu operators", network->n_placed);
}

static void say_answer(FILE *out, const cli_scene *scene, const kerf_plan *plan)
{
    const kerf_network *network = scene->network;
    const size_t on_device = cli_device_operators(network, plan->side);
    if (on_device == network->n_placed) {
        fputs("Run ", out);
        say_all(out, network);
        fprintf(out, " of %.100s on %s and ", network->name, scene->device->name);
        if (plan->cut.n_tensors)
            say_sent(out, "send", "the result", plan);
        else
            fputs("send nothing", out);
    } else if (on_device == 0) {
        say_sent(out, "Send", network->n_inputs == 1 ? "the input" : "the inputs", plan);
        fputs(" and run ", out);
        say_all(out, network);
        fprintf(out, " of %.100s on %s", network->name, scene->server->name);
    } else {
        say_split(out, scene, plan, on_device);
    }
    fprintf(out, ": %s and %s per inference.",
            quantity(plan->cost.device_energy_J, KERF_ENERGY).text,
            quantity(plan->cost.latency_s, KERF_TIME).text);
}

typedef struct answer {
    const cli_scene *scene;
    const kerf_plan *plan;
} answer;

static void say(FILE *out, const void *context)
{
    const answer *a = context;
    say_answer(out, a->scene, a->plan);
}

/* --- cost beside the extremes --- */

typedef struct cost_row {
    const char *label;
    size_t field; /* offset in kerf_plan_cost */
    kerf_quantity kind;
    bool total;     /* compared with the extremes */
    bool only_used; /* left out where it is 0 everywhere */
} cost_row;

#define AT(name) offsetof(kerf_plan_cost, name)
static const cost_row cost_rows[] = {
    {"device energy", AT(device_energy_J), KERF_ENERGY, true, false},
    {"  compute", AT(compute_J), KERF_ENERGY, false, false},
    {"  uplink", AT(uplink_J), KERF_ENERGY, false, false},
    {"  wait for the result", AT(wait_J), KERF_ENERGY, false, false},
    {"  downlink", AT(downlink_J), KERF_ENERGY, false, false},
    {"  radio's start and tail", AT(radio_fixed_J), KERF_ENERGY, false, true},
    {"latency", AT(latency_s), KERF_TIME, true, false},
    {"  device", AT(device_s), KERF_TIME, false, false},
    {"  uplink", AT(uplink_s), KERF_TIME, false, false},
    {"  server", AT(server_s), KERF_TIME, false, false},
    {"  downlink", AT(downlink_s), KERF_TIME, false, false},
    {"server energy", AT(server_energy_J), KERF_ENERGY, false, false},
    {"sent to the server", AT(uplink_bytes), KERF_SIZE, false, false},
    {"device memory", AT(device_memory_bytes), KERF_SIZE, false, false},
};

static double figure(const kerf_plan_cost *cost, size_t field)
{
    double value;
    memcpy(&value, (const char *)cost + field, sizeof value);
    return value;
}

static void part_cell(cli_table *table, double value, kerf_quantity kind)
{
    if (value != 0)
        cli_table_quantity(table, value, kind);
    else
        cli_table_cell(table, "-");
}

/* What the plan saves against an extreme, in per cent of the extreme's figure. */
static void saved_cell(cli_table *table, bool total, double mine, double theirs)
{
    if (total && theirs > 0 && isfinite(mine) && isfinite(theirs))
        cli_table_cell(table, "%.0f %%", 100 * (theirs - mine) / theirs + 0.0);
    else
        cli_table_cell(table, "%s", "");
}

static void throughput_row(cli_table *table, const kerf_plan *plan)
{
    const kerf_plan_cost *const costs[] = {&plan->cost, &plan->all_device.cost,
                                           &plan->all_server.cost};
    cli_table_cell(table, "throughput");
    for (size_t i = 0; i < 3; i++) {
        const double rate = costs[i]->throughput_per_s;
        cli_table_cell(table, rate >= 1000 && isfinite(rate) ? "%.0f /s" : "%.3g /s", rate);
        if (i > 0)
            cli_table_cell(table, "%s", "");
    }
}

static const char *verdict(const kerf_option_plan *option)
{
    return !option->exists ? "cannot be had" : option->feasible ? "yes" : "no";
}

static bool is_constrained(const kerf_question *q, const kerf_plan *plan)
{
    const kerf_limits *l = &q->limits;
    return l->deadline_s > 0 || l->energy_J > 0 || l->memory_bytes > 0 || l->max_bytes > 0 ||
           l->min_device_operators > 0 || l->min_accuracy > 0 || q->n_pins > 0 ||
           !plan->all_device.feasible || !plan->all_server.feasible;
}

static void feasible_row(cli_table *table, const kerf_plan *plan)
{
    cli_table_cell(table, "keeps what was asked");
    cli_table_cell(table, "yes");
    cli_table_cell(table, "%s", verdict(&plan->all_device));
    cli_table_cell(table, "%s", "");
    cli_table_cell(table, "%s", verdict(&plan->all_server));
    cli_table_cell(table, "%s", "");
}

static bool print_costs(const cli_scene *scene, const kerf_plan *plan)
{
    static const char *const headings[] = {"per inference", "this plan",  "all device",
                                           "saved",         "all server", "saved"};
    cli_table *table = cli_table_create("lrrrrr", CLI_WIDTH);
    if (!table)
        return false;
    cli_table_heading(table);
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        cli_table_cell(table, "%s", headings[i]);
    for (size_t i = 0; i < sizeof cost_rows / sizeof *cost_rows; i++) {
        const cost_row *row = &cost_rows[i];
        const double mine = figure(&plan->cost, row->field);
        const double device = figure(&plan->all_device.cost, row->field);
        const double server = figure(&plan->all_server.cost, row->field);
        if (row->only_used && mine == 0 && device == 0 && server == 0)
            continue;
        if (strcmp(row->label, "server energy") == 0)
            throughput_row(table, plan);
        cli_table_cell(table, "%s", row->label);
        part_cell(table, mine, row->kind);
        part_cell(table, device, row->kind);
        saved_cell(table, row->total, mine, device);
        part_cell(table, server, row->kind);
        saved_cell(table, row->total, mine, server);
    }
    if (is_constrained(&scene->question, plan))
        feasible_row(table, plan);
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

/* --- why --- */

static void print_label(const char *label)
{
    printf("%-*s", LABEL, label);
}

/* An objective's value with its unit. */
static cli_number objective_value(kerf_objective objective, double value)
{
    cli_number n = {""};
    if (objective == KERF_OBJ_LATENCY)
        return quantity(value, KERF_TIME);
    if (objective == KERF_OBJ_ENERGY || objective == KERF_OBJ_TOTAL_ENERGY)
        return quantity(value, KERF_ENERGY);
    const char *unit = kerf_objective_unit(objective);
    snprintf(n.text, sizeof n.text, "%.*g%s%s", DIGITS, value, strcmp(unit, "1") == 0 ? "" : " ",
             strcmp(unit, "1") == 0 ? "" : unit);
    return n;
}

/* Of a plan under uncertainty: what it is best in. */
static void print_aim(const kerf_question *q, const kerf_robust *r)
{
    static const char *const bests[] = {[KERF_AIM_NOMINAL] = "",
                                        [KERF_AIM_EXPECTED] = "least expected",
                                        [KERF_AIM_REGRET] = "least maximum regret in",
                                        [KERF_AIM_CHANCE] = "least expected",
                                        [KERF_AIM_CANTELLI] = "least expected"};
    const kerf_objective shown =
        q->objective == KERF_OBJ_THROUGHPUT ? KERF_OBJ_LATENCY : q->objective;
    print_label("proof");
    printf("%s %s: %s%s\n", bests[r->aim],
           q->objective == KERF_OBJ_THROUGHPUT ? "time of the slowest stage"
                                               : kerf_objective_name(q->objective),
           objective_value(shown, r->value).text,
           r->aim == KERF_AIM_CHANCE || r->aim == KERF_AIM_CANTELLI
               ? " among those that keep the deadline as often"
               : "");
}

static void print_proof(const kerf_question *q, const kerf_plan *plan)
{
    static const char *const units[] = {[KERF_SOLVER_AUTO] = "step",
                                        [KERF_SOLVER_EXHAUSTIVE] = "placement",
                                        [KERF_SOLVER_MINCUT] = "minimum cut",
                                        [KERF_SOLVER_MILP] = "node"};
    print_label("proof");
    if (plan->optimal)
        printf("optimal by %s: nothing is better than %s (gap %.2g)",
               kerf_solver_name(plan->solver), objective_value(q->objective, plan->bound).text,
               plan->gap < 1e-12 ? 0 : plan->gap /* rounding is no gap */);
    else if (isfinite(plan->bound))
        printf("%s stopped early: nothing is better than %s (gap %.2g)",
               kerf_solver_name(plan->solver), objective_value(q->objective, plan->bound).text,
               plan->gap);
    else
        printf("%s stopped early, before it had any bound", kerf_solver_name(plan->solver));
    printf("; %zu %s%s examined\n", plan->examined, units[plan->solver],
           plan->examined == 1 ? "" : "s");
}

static void print_break_even(const kerf_question *q, const kerf_plan *plan)
{
    const double below = plan->break_even_below_bps, above = plan->break_even_above_bps;
    const cli_number now = quantity(q->link->rate_bps[KERF_UPLINK], KERF_RATE);
    if (isnan(below) || isnan(above))
        return;
    print_label("stays best");
    if (below <= 0 && isinf(above))
        printf("at every uplink rate");
    else if (below <= 0)
        printf("for uplink rates up to %s", quantity(above, KERF_RATE).text);
    else if (isinf(above))
        printf("for uplink rates from %s", quantity(below, KERF_RATE).text);
    else
        printf("for uplink rates from %s to %s", quantity(below, KERF_RATE).text,
               quantity(above, KERF_RATE).text);
    if (!isnan(q->link->rate_bps[KERF_UPLINK])) /* a service's answer does not say it */
        printf(" (now %s)", now.text);
    putchar('\n');
}

static void print_binding(const kerf_plan *plan)
{
    if (plan->n_binding == 0)
        return;
    print_label("binding");
    for (size_t i = 0; i < plan->n_binding; i++)
        printf("%s%s", i ? ", " : "", plan->binding[i]);
    printf(": without %s another cut would be better\n", plan->n_binding == 1 ? "it" : "them");
}

static void print_left_out(const kerf_plan *plan)
{
    const char *const parts[] = {
        plan->no_time_for_binding ? "which limits bind" : NULL,
        plan->no_time_for_break_even ? "the rates between which it stays best" : NULL,
        plan->no_time_for_alternatives ? "all next best cuts" : NULL,
        plan->no_time_for_rivals ? "what the other choices come to" : NULL};
    char text[200] = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const size_t used = strlen(text);
        if (parts[i])
            snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", parts[i]);
    }
    if (!*text)
        return;
    const size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, ": no time was left to find out");
    print_label("left out");
    cli_wrap(stdout, text, LABEL, LABEL, CLI_WIDTH);
}

/* "int8 of 3", and nothing where there was nothing to choose from. */
static void print_one_of(bool *first, const char *kind, const char *name, size_t n)
{
    if (n == 0)
        return;
    printf("%s%s %.63s", *first ? "" : ", ", kind, name);
    if (n > 1)
        printf(" (of %zu)", n);
    *first = false;
}

static void print_choice(const kerf_question *asked, const kerf_plan *plan)
{
    const bool any_mode = asked->power_mode && strcmp(asked->power_mode, "any") == 0;
    bool first = true;
    if (!any_mode && asked->n_encodings == 0 && asked->n_variants == 0)
        return;
    print_label("choice");
    print_one_of(&first, "power mode", plan->power_mode, any_mode ? asked->device->n_modes : 0);
    print_one_of(&first, "encoding",
                 plan->encoding == KERF_NONE ? "" : asked->encodings[plan->encoding].name,
                 asked->n_encodings);
    print_one_of(&first, "variant",
                 plan->variant == KERF_NONE ? "" : asked->variants[plan->variant].name,
                 asked->n_variants);
    if (isfinite(plan->accuracy))
        printf(", accuracy %.4g", plan->accuracy);
    fputc('\n', stdout);
}

/* Said once: types alone do not tell what they do to the accuracy. */
static void print_unknown_loss(const kerf_question *asked)
{
    char names[400] = "";
    for (size_t i = 0; i < asked->n_encodings; i++) {
        const size_t used = strlen(names);
        if (isnan(asked->encodings[i].accuracy_loss))
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                     asked->encodings[i].name);
    }
    if (!*names)
        return;
    char text[480];
    snprintf(text, sizeof text, "not known: what is lost in accuracy with %s", names);
    print_label("");
    cli_wrap(stdout, text, LABEL, LABEL, CLI_WIDTH);
}

static void print_measured(const cli_scene *scene, const kerf_plan *plan)
{
    const size_t n = scene->network->n_placed;
    print_label("figures");
    if (plan->measured_device_operators == 0 && plan->measured_server_operators == 0)
        printf("all estimated from the profiles; no operator was measured\n");
    else
        printf("measured for %zu of %zu operators on the device and %zu on the server, else "
               "estimated\n",
               plan->measured_device_operators, n, plan->measured_server_operators);
}

/* What a text says in short, else its last sentence. */
static const char *short_form(const char *text)
{
    static const char mark[] = "In short: ";
    const char *found = strstr(text, mark);
    if (found)
        return found + sizeof mark - 1;
    const char *last = text;
    for (const char *at = text; (at = strstr(at, ". ")); at += 2)
        if (at[2] >= 'A' && at[2] <= 'Z')
            last = at + 2;
    return last;
}

/* How far the board's figures can be trusted. */
static void print_caution(const cli_scene *scene, const kerf_plan *plan)
{
    const char *fit = scene->device->fit ? scene->device->fit : "";
    if (!*fit)
        return;
    char text[640], clean[640];
    snprintf(text, sizeof text, "%.40s (%.40s): %s", scene->device->name, plan->power_mode,
             short_form(fit));
    print_label("accuracy");
    cli_wrap(stdout, cli_clean(text, clean, sizeof clean), LABEL, LABEL, CLI_WIDTH);
}

/* --- other cuts --- */

/* Relative to the plan's. */
static void change_cell(cli_table *table, double best, double value)
{
    const double change = 100 * (value - best) / best;
    if (best > 0 && isfinite(change))
        cli_table_cell(table, "%+.*f %%", fabs(change) < 10 ? 2 : 0, change);
    else
        cli_table_cell(table, "-");
}

static void alternative_row(cli_table *table, const cli_scene *scene, const kerf_plan *plan,
                            const kerf_option_plan *a)
{
    const kerf_network *network = scene->network;
    const double best = plan->cost.objective, value = a->cost.objective;
    cli_table_cell(table, "%zu of %zu", cli_device_operators(network, a->side), network->n_placed);
    if (a->cut.n_tensors == 0)
        cli_table_cell(table, "nothing");
    else if (a->cut.n_tensors == 1)
        cli_table_cell(table, "%s", network->tensors[a->cut.tensors[0]].name);
    else
        cli_table_cell(table, "%s and %zu more", network->tensors[a->cut.tensors[0]].name,
                       a->cut.n_tensors - 1);
    part_cell(table, a->cut.wire_bytes, KERF_SIZE);
    cli_table_quantity(table, a->cost.device_energy_J, KERF_ENERGY);
    cli_table_quantity(table, a->cost.latency_s, KERF_TIME);
    change_cell(table, best, value);
}

static bool print_alternatives(const cli_scene *scene, const kerf_plan *plan)
{
    if (plan->n_alternatives == 0)
        return true;
    cli_table *table = cli_table_create("lfrrrr", CLI_WIDTH);
    if (!table)
        return false;
    const char *const headings[] = {
        "on the device", "next best cuts send",
        "size",          "energy",
        "latency",       kerf_objective_name(scene->question.objective)};
    cli_table_heading(table);
    for (size_t i = 0; i < 5; i++)
        cli_table_cell(table, "%s", headings[i]);
    cli_table_cell(table, "%s, to the plan's", headings[5]);
    for (size_t i = 0; i < plan->n_alternatives; i++)
        alternative_row(table, scene, plan, &plan->alternatives[i]);
    fputc('\n', stdout);
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

/* --- other power modes, encodings, variants --- */

static void rival_row(cli_table *table, const kerf_question *asked, const kerf_plan *plan,
                      const kerf_rival *r, bool first)
{
    static const char *const kinds[] = {[KERF_BY_POWER_MODE] = "power mode",
                                        [KERF_BY_ENCODING] = "encoding",
                                        [KERF_BY_VARIANT] = "variant"};
    const char *const names[] = {r->power_mode,
                                 r->encoding == KERF_NONE ? "" : asked->encodings[r->encoding].name,
                                 r->variant == KERF_NONE ? "" : asked->variants[r->variant].name};
    char with[200] = "";
    cli_table_cell(table, "%s", first ? kinds[r->by] : "");
    cli_table_cell(table, "%s", names[r->by]);
    if (!r->feasible) {
        cli_table_cell(table, "breaks a limit");
        for (int i = 0; i < 3; i++)
            cli_table_cell(table, "%s", "");
        return;
    }
    for (int by = 0; by < KERF_DIMENSIONS; by++) {
        const bool open = by == KERF_BY_POWER_MODE
                              ? asked->power_mode && !strcmp(asked->power_mode, "any")
                          : by == KERF_BY_ENCODING ? asked->n_encodings > 1
                                                   : asked->n_variants > 1;
        const size_t used = strlen(with);
        if (by != (int)r->by && open)
            snprintf(with + used, sizeof with - used, "%s%s", used ? ", " : "", names[by]);
    }
    cli_table_cell(table, "%s", with);
    cli_table_quantity(table, r->cost.device_energy_J, KERF_ENERGY);
    cli_table_quantity(table, r->cost.latency_s, KERF_TIME);
    change_cell(table, plan->cost.objective, r->cost.objective);
}

static bool print_rivals(const kerf_question *asked, const kerf_plan *plan)
{
    if (plan->n_rivals == 0)
        return true;
    cli_table *table = cli_table_create("llfrrr", CLI_WIDTH);
    if (!table)
        return false;
    cli_table_heading(table);
    cli_table_cell(table, "instead");
    cli_table_cell(table, "%s", "");
    cli_table_cell(table, "best with");
    cli_table_cell(table, "energy");
    cli_table_cell(table, "latency");
    cli_table_cell(table, "%s, to the plan's", kerf_objective_name(asked->objective));
    for (size_t i = 0; i < plan->n_rivals; i++)
        rival_row(table, asked, plan, &plan->rivals[i],
                  i == 0 || plan->rivals[i].by != plan->rivals[i - 1].by);
    fputc('\n', stdout);
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

cli_exit cli_plan_table(const cli_scene *asked, const kerf_plan *plan)
{
    const cli_scene chosen = cli_scene_choose(asked, plan), *scene = &chosen;
    const answer spoken = {scene, plan};
    if (!cli_print_answer(say, &spoken) || !print_costs(scene, plan))
        return cli_error(CLI_FAILED, "out of memory");
    fputc('\n', stdout);
    if (scene->robust && scene->robust->aim != KERF_AIM_NOMINAL)
        print_aim(&scene->question, scene->robust);
    else
        print_proof(&scene->question, plan);
    print_break_even(&scene->question, plan);
    if (scene->sensitivity)
        cli_sensitivity_line(scene->sensitivity);
    print_binding(plan);
    print_left_out(plan);
    print_choice(&asked->question, plan);
    if (plan->encoding != KERF_NONE)
        print_unknown_loss(&asked->question);
    print_measured(scene, plan);
    print_caution(scene, plan);
    if (!print_rivals(&asked->question, plan) || !print_alternatives(scene, plan))
        return cli_error(CLI_FAILED, "out of memory");
    return CLI_DONE;
}
