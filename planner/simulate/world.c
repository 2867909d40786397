#include "planner/simulate/world.h"

#include "base/error.h"
#include "base/memory.h"
#include "net/link.h"
#include "planner/price.h"
#include "planner/simulate/candidates.h"
#include "planner/solve/solve.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 100000

static kerf_status no_memory(kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

/* --- one placement --- */

/* What the board pays to run the server's part after all: a partition of its own, with the groups
 * broken where the cut broke them. */
static void price_fallback(const cut_binding *b, sim_option *o)
{
    double time_s = 0, energy_J = 0;
    bool any = false;
    for (size_t g = 0; g < b->question->network->n_groups; g++) {
        const kerf_group *group = &b->question->network->groups[g];
        size_t j = 0;
        while (j < group->n_operators && o->x[b->index_of[group->operators[j]]] == 0)
            j++;
        const kerf_cost rest = kerf_price_part(b->device, g, j, group->n_operators);
        time_s += rest.latency_s;
        energy_J += rest.energy_J;
        any = any || j < group->n_operators;
    }
    if (any) {
        time_s += b->device_mode->partition_s;
        energy_J += b->device_mode->partition_J;
    }
    for (size_t v = 0; v < b->problem.n; v++)
        if (o->x[v] && b->pin[v] == KERF_SIDE_SERVER)
            time_s = energy_J = NAN;
    o->fallback_s = time_s;
    o->fallback_J = energy_J;
}

/* A transfer in each state of the radio, by the link's own functions. */
static void price_hops(const kerf_link *link, sim_option *o)
{
    const double bytes[2] = {o->cost.uplink_bytes, o->cost.downlink_bytes};
    for (int d = 0; d < 2; d++) {
        if (!(bytes[d] > 0))
            continue;
        o->sent_bytes[d] = kerf_link_sent_bytes(link, bytes[d]);
        for (unsigned s = 0; s < SIM_RADIO_STATES; s++) {
            kerf_link as = *link;
            if (as.connection == KERF_CONNECTION_COLD && (s & SIM_WINDOW_OPEN))
                as.connection = KERF_CONNECTION_WARM;
            double promotion_s = 0;
            if (d == KERF_UPLINK && (s & SIM_RADIO_IDLE) &&
                link->connection != KERF_CONNECTION_WARM)
                promotion_s = link->promotion_s + link->switch_s;
            o->hop[d][s].time_s =
                promotion_s + kerf_link_active_s(&as, (kerf_direction)d, bytes[d]);
            o->hop[d][s].energy_J = kerf_link_transfer_J(&as, (kerf_direction)d, bytes[d]);
        }
    }
}

static kerf_status price_option(const cut_choice *choice, sim_option *o, kerf_error *err)
{
    const cut_binding *b = &choice->binding;
    const size_t n = b->question->network->n_operators;
    kerf_side *side = kerf_calloc(n, sizeof *side);
    if (!side)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const size_t v = b->index_of[i];
        side[i] = v == KERF_NONE ? KERF_SIDE_FREE : o->x[v] ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
    }
    const kerf_status status =
        price_placement(b->question, b->device_mode, b->device, b->server, side, &o->cost, err);
    cut_choice_id(choice, side, o->cut_id);
    free(side);
    if (status != KERF_OK)
        return status;
    o->choice = choice;
    o->wait_W = b->problem.wait_W;
    for (size_t v = 0; v < b->problem.n; v++)
        o->device_operators += o->x[v] == 0;
    price_fallback(b, o);
    price_hops(b->question->link, o);
    return KERF_OK;
}

/* The option of a placement, made if there is none yet. */
static kerf_status add_option(sim_team *team, const cut_choice *choice, const uint8_t *x,
                              size_t *index, kerf_error *err)
{
    const size_t n = choice->binding.problem.n;
    for (size_t i = 0; i < team->n_options; i++) {
        if (team->option[i].choice == choice && memcmp(team->option[i].x, x, n) == 0) {
            *index = i;
            return KERF_OK;
        }
    }
    if (kerf_reserve(&team->option, &team->capacity, team->n_options + 1, MAX_OPTIONS,
                     sizeof *team->option) != 0)
        return no_memory(err);
    sim_option *o = &team->option[team->n_options];
    *o = (sim_option){.x = kerf_calloc(n, 1)};
    if (!o->x)
        return no_memory(err);
    memcpy(o->x, x, n);
    team->n_options++;
    *index = team->n_options - 1;
    return price_option(choice, o, err);
}

/* Of one placement in every power mode, the best that the planner's objective knows; KERF_NONE
 * where it is not legal in any. */
typedef void fill_placement(const void *context, const cut_problem *problem, uint8_t *x);

static kerf_status add_best(sim_team *team, fill_placement *fill, const void *context,
                            size_t *index, kerf_error *err)
{
    double least = INFINITY;
    kerf_status status = KERF_OK;
    *index = KERF_NONE;
    for (size_t i = 0; status == KERF_OK && i < team->choices.n; i++) {
        const cut_choice *choice = &team->choices.list[i];
        const cut_problem *problem = &choice->binding.problem;
        uint8_t *x = kerf_calloc(problem->n, 1);
        cut_value value;
        if (!x)
            return no_memory(err);
        fill(context, problem, x);
        if (cut_is_legal(problem, x)) {
            cut_evaluate(problem, x, &value);
            if (*index == KERF_NONE || value.objective < least) {
                least = value.objective;
                status = add_option(team, choice, x, index, err);
            }
        }
        free(x);
    }
    return status;
}

static void fill_device(const void *context, const cut_problem *problem, uint8_t *x)
{
    (void)context;
    memset(x, 0, problem->n);
}

static void fill_server(const void *context, const cut_problem *problem, uint8_t *x)
{
    (void)context;
    memset(x, 1, problem->n);
}

/* --- a stated cut --- */

typedef struct stated_cut {
    size_t count; /* operators on the board, or */
    size_t last;  /* problem operator with all that it depends on; KERF_NONE: `count` */
} stated_cut;

static void fill_cut(const void *context, const cut_problem *problem, uint8_t *x)
{
    const stated_cut *cut = context;
    memset(x, 1, problem->n);
    if (cut->last == KERF_NONE) {
        memset(x, 0, cut->count < problem->n ? cut->count : problem->n);
        return;
    }
    /* Consumers come after producers: backwards, what a tensor's reader needs is known. */
    x[cut->last] = 0;
    for (size_t v = cut->last + 1; v-- > 0;)
        for (size_t t = 0; t < problem->n_tensors; t++)
            for (size_t c = 0;
                 problem->tensors[t].producer == v && c < problem->tensors[t].n_consumers; c++)
                if (x[problem->tensors[t].consumers[c]] == 0)
                    x[v] = 0;
}

static kerf_status add_fixed(sim_team *team, const sim_policy *policy, size_t *index,
                             kerf_error *err)
{
    const cut_binding *b = &team->choices.list[0].binding;
    const kerf_network *net = b->question->network;
    stated_cut cut = {policy->cut_count, KERF_NONE};
    if (policy->cut_operator) {
        const size_t op = kerf_network_find_operator(net, policy->cut_operator);
        cut.last = op == KERF_NONE ? KERF_NONE : b->index_of[op];
        if (cut.last == KERF_NONE)
            return kerf_fail(err, KERF_E_INVALID, policy->name,
                             "group \"%.60s\": network %.60s has no operator \"%.100s\" that is "
                             "placed; expected one that 'kerf inspect' lists",
                             team->group->name, net->name, policy->cut_operator);
    } else if (cut.count > b->problem.n) {
        return kerf_fail(err, KERF_E_INVALID, policy->name,
                         "group \"%.60s\": network %.60s has %zu operators, expected at most so "
                         "many on the board",
                         team->group->name, net->name, b->problem.n);
    }
    const kerf_status status = add_best(team, fill_cut, &cut, index, err);
    if (status == KERF_OK && *index == KERF_NONE)
        return kerf_fail(err, KERF_E_INVALID, policy->name,
                         "group \"%.60s\": the board or the server cannot run this cut",
                         team->group->name);
    return status;
}

/* --- what is planned --- */

/* The plan for the link as its file states it. Where no placement keeps the limits, the one that
 * is closest to keeping them. */
static kerf_status add_planned(sim_team *team, kerf_error *err)
{
    const cut_options options = {.time_limit_s = 0};
    double least = INFINITY;
    const cut_choice *best = NULL;
    uint8_t *x = NULL;
    kerf_status status = KERF_OK;
    for (int closest = 0; closest < 2 && status == KERF_OK && !best; closest++) {
        for (size_t i = 0; status == KERF_OK && i < team->choices.n; i++) {
            const cut_choice *choice = &team->choices.list[i];
            cut_options how = options;
            how.minimise_violation = closest == 1;
            cut_solution found = {0};
            kerf_error local = {0};
            status = cut_solve(&choice->binding.problem,
                               closest ? KERF_SOLVER_MILP : KERF_SOLVER_AUTO, &how, &found, &local);
            if (status == KERF_OK && found.objective < least) {
                free(x);
                x = found.x;
                found.x = NULL;
                least = found.objective;
                best = choice;
            }
            cut_solution_clear(&found);
            if (status == KERF_E_INFEASIBLE)
                status = KERF_OK;
            else if (status != KERF_OK && err)
                *err = local;
        }
    }
    if (status == KERF_OK && !best)
        status = kerf_fail(err, KERF_E_INFEASIBLE, team->group->name, "no placement is possible");
    if (status == KERF_OK)
        status = add_option(team, best, x, &team->planned, err);
    free(x);
    return status;
}

static kerf_status add_candidates(const sim_world *world, sim_team *team, kerf_error *err)
{
    sim_found found = {0};
    kerf_status status = sim_candidates_find(team, world->scenario, &found, err);
    team->candidate = kerf_calloc(found.n + 3, sizeof *team->candidate);
    if (status == KERF_OK && !team->candidate)
        status = no_memory(err);
    for (size_t i = 0; status == KERF_OK && i < found.n; i++) {
        size_t index = 0;
        status = add_option(team, found.list[i].choice, found.list[i].x, &index, err);
        team->candidate[team->n_candidates++] = index;
    }
    const size_t more[] = {team->planned, team->all_device, team->all_server};
    for (size_t i = 0; status == KERF_OK && i < sizeof more / sizeof *more; i++) {
        bool known = more[i] == KERF_NONE;
        for (size_t k = 0; k < team->n_candidates && !known; k++)
            known = team->candidate[k] == more[i];
        if (!known)
            team->candidate[team->n_candidates++] = more[i];
    }
    sim_found_clear(&found);
    return status;
}

/* --- a group --- */

const sim_policy *sim_team_policy(const sim_world *world, const sim_team *team, size_t policy)
{
    return team->group->policy ? team->group->policy : &world->policies[policy];
}

static kerf_status add_policy(const sim_world *world, sim_team *team, const sim_policy *policy,
                              size_t *fixed, kerf_error *err)
{
    *fixed = KERF_NONE;
    if (policy->kind == KERF_POLICY_FIXED)
        return add_fixed(team, policy, fixed, err);
    const bool impossible =
        (policy->kind == KERF_POLICY_ALL_DEVICE && team->all_device == KERF_NONE) ||
        (policy->kind == KERF_POLICY_ALL_SERVER && team->all_server == KERF_NONE);
    if (impossible)
        return kerf_fail(err, KERF_E_INVALID, policy->name,
                         "group \"%.60s\": the %s cannot run every operator of %.60s",
                         team->group->name,
                         policy->kind == KERF_POLICY_ALL_DEVICE ? "board" : "server",
                         team->group->network->name);
    if (policy->kind >= KERF_POLICY_ADAPTIVE && team->n_candidates == 0)
        return add_candidates(world, team, err);
    return KERF_OK;
}

static double mean_gap(const sim_arrivals *a)
{
    switch (a->kind) {
    case SIM_PERIODIC:
        return a->period_s;
    case SIM_POISSON:
        return 1 / a->rate_per_s[0];
    case SIM_BURSTS:
        return (a->state_s[0] + a->state_s[1]) /
               (a->rate_per_s[0] * a->state_s[0] + a->rate_per_s[1] * a->state_s[1]);
    case SIM_TIMESTAMPS:
        break;
    }
    const double span = a->repeat_s > 0 ? a->repeat_s : a->stamp_s[a->n - 1] - a->stamp_s[0];
    return span > 0 ? span / (double)a->n : INFINITY;
}

static kerf_status make_team(sim_world *world, const sim_group *group, sim_team *team,
                             kerf_error *err)
{
    team->group = group;
    team->link = &world->scenario->links[group->link];
    team->fixed = kerf_calloc(world->n_policies, sizeof *team->fixed);
    if (!team->fixed)
        return no_memory(err);
    kerf_status status = cut_choices_bind(&group->question, &team->choices, err);
    if (status == KERF_OK)
        status = add_best(team, fill_device, NULL, &team->all_device, err);
    if (status == KERF_OK)
        status = add_best(team, fill_server, NULL, &team->all_server, err);
    if (status == KERF_OK)
        status = add_planned(team, err);
    for (size_t p = 0; status == KERF_OK && p < world->n_policies; p++)
        status = add_policy(world, team, sim_team_policy(world, team, p), &team->fixed[p], err);
    if (status != KERF_OK)
        return status;
    team->idle_W = team->option[team->planned].choice->binding.device_mode->idle_W;
    team->mean_gap_s = mean_gap(&group->arrivals);
    return KERF_OK;
}

kerf_status sim_world_make(const kerf_scenario *scenario, const sim_policy *policies,
                           size_t n_policies, double duration_s, sim_world *world, kerf_error *err)
{
    *world = (sim_world){.scenario = scenario,
                         .policies = policies,
                         .n_policies = n_policies,
                         .duration_s = duration_s};
    world->teams = kerf_calloc(scenario->n_groups, sizeof *world->teams);
    if (!world->teams)
        return no_memory(err);
    kerf_status status = KERF_OK;
    for (size_t g = 0; status == KERF_OK && g < scenario->n_groups; g++) {
        sim_team *team = &world->teams[world->n_teams++];
        team->first_board = world->n_boards;
        world->n_boards += scenario->groups[g].count;
        status = make_team(world, &scenario->groups[g], team, err);
    }
    return status;
}

void sim_world_clear(sim_world *world)
{
    for (size_t g = 0; g < world->n_teams; g++) {
        sim_team *team = &world->teams[g];
        for (size_t i = 0; i < team->n_options; i++)
            free(team->option[i].x);
        free(team->option);
        free(team->candidate);
        free(team->fixed);
        cut_choices_clear(&team->choices);
    }
    free(world->teams);
    *world = (sim_world){0};
}
