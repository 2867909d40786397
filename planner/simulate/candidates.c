#include "planner/simulate/candidates.h"

#include "base/error.h"
#include "base/memory.h"
#include "net/link.h"
#include "planner/map/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FOUND    100000
#define LEAST_SHARE  1e-3 /* of its rate that a link may fall to before nothing is worth sending */
#define MOST_SLOWING 30   /* of a server by the fleet, likewise */

void sim_found_clear(sim_found *found)
{
    for (size_t i = 0; i < found->n; i++)
        free(found->list[i].x);
    free(found->list);
    *found = (sim_found){0};
}

/* The choice of the team's own that a choice of another binding stands for. */
static kerf_status keep(const sim_team *team, size_t choice, const uint8_t *x, sim_found *found,
                        kerf_error *err)
{
    const cut_choice *own = &team->choices.list[choice];
    const size_t n = own->binding.problem.n;
    for (size_t i = 0; i < found->n; i++)
        if (found->list[i].choice == own && memcmp(found->list[i].x, x, n) == 0)
            return KERF_OK;
    uint8_t *copy = kerf_calloc(n, 1);
    if (!copy || kerf_reserve(&found->list, &found->capacity, found->n + 1, MAX_FOUND,
                              sizeof *found->list) != 0) {
        free(copy);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    memcpy(copy, x, n);
    found->list[found->n].choice = own;
    found->list[found->n++].x = copy;
    return KERF_OK;
}

/* --- the conditions that may come --- */

static void rate_range(const sim_team *team, const kerf_scenario *scenario, kerf_direction d,
                       double range[2])
{
    const sim_link *link = team->link;
    const double stated = link->link->rate_bps[d];
    range[0] = range[1] = stated;
    if (link->trace[d]) {
        range[1] = link->trace[d]->most;
        range[0] = fmax(link->trace[d]->least, range[1] * LEAST_SHARE);
    }
    if (link->access_point != KERF_NONE) {
        const sim_access_point *ap = &scenario->access_points[link->access_point];
        const double most = ap->trace[d] ? ap->trace[d]->most : ap->rate_bps[d];
        range[1] = fmin(range[1], most);
        range[0] = fmin(range[0], range[1]) * LEAST_SHARE;
    }
    range[0] = fmax(range[0], 1);
    range[1] = fmax(range[1], range[0]);
}

static kerf_map_box box_of(const sim_team *team, const kerf_scenario *scenario)
{
    const double load = team->group->question.server_load, rtt = team->link->link->rtt_s;
    kerf_map_box box = {.rtt_s = {rtt, rtt}, .server_load = {load, 1 - (1 - load) / MOST_SLOWING}};
    rate_range(team, scenario, KERF_UPLINK, box.uplink_bps);
    rate_range(team, scenario, KERF_DOWNLINK, box.downlink_bps);
    if (team->link->rtt) {
        box.rtt_s[0] = team->link->rtt->least;
        box.rtt_s[1] = team->link->rtt->most;
    }
    return box;
}

/* --- one state of the connection --- */

static kerf_status find_in(const sim_team *team, const kerf_question *question,
                           const kerf_map_box *box, sim_found *found, kerf_error *err)
{
    const cut_options options = {.time_limit_s = 0};
    cut_choices choices = {0};
    cut_candidates candidates = {0};
    kerf_status status = cut_choices_bind(question, &choices, err);
    if (status == KERF_OK)
        status = cut_candidates_find(&choices, box, &options, &candidates, err);
    for (size_t i = 0; status == KERF_OK && i < candidates.n; i++)
        status = keep(team, candidates.list[i].choice, candidates.list[i].x, found, err);
    cut_candidates_clear(&candidates);
    cut_choices_clear(&choices);
    return status;
}

/* Too many placements to look for those that only a limit makes the best: without limits on what
 * changes with the link, the candidates are those of the objective alone. */
static kerf_status find_state(const sim_team *team, const kerf_link *link, const kerf_map_box *box,
                              sim_found *found, kerf_error *err)
{
    kerf_question question = team->group->question;
    kerf_error local = {0};
    question.link = link;
    kerf_status status = find_in(team, &question, box, found, &local);
    if (status == KERF_E_TOO_LARGE || status == KERF_E_INFEASIBLE) {
        kerf_error_clear(&local);
        question.limits.deadline_s = question.limits.energy_J = 0;
        status = find_in(team, &question, box, found, &local);
    }
    if (status != KERF_OK && err)
        *err = local;
    return status;
}

kerf_status sim_candidates_find(const sim_team *team, const kerf_scenario *scenario,
                                sim_found *found, kerf_error *err)
{
    const kerf_link *stated = team->link->link;
    const kerf_map_box box = box_of(team, scenario);
    kerf_status status = find_state(team, stated, &box, found, err);
    if (status != KERF_OK || stated->connection == KERF_CONNECTION_WARM)
        return status;
    /* The same with the radio awake, and with an open window. */
    kerf_link other = *stated;
    if (stated->tail_s > 0) {
        other.gap_s = 0.5 * stated->tail_s;
        status = find_state(team, &other, &box, found, err);
    }
    other.connection = KERF_CONNECTION_WARM;
    if (status == KERF_OK && stated->connection == KERF_CONNECTION_COLD)
        status = find_state(team, &other, &box, found, err);
    return status;
}
