#include "planner/robust/robust_sample.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"

#include <math.h>
#include <stdlib.h>

#define LOOK_AROUND ((size_t)32)  /* scenarios between looks at the clock */
#define FEWEST      ((size_t)100) /* scenarios that tell anything */
#define SAME        1e-12         /* relative difference of values that may be rounding */

static bool stopped(const cut_options *o)
{
    return (o->deadline_s > 0 && cut_clock_s() >= o->deadline_s) ||
           (o->progress && !o->progress(o->progress_context, "scenarios", NAN, NAN));
}

/* With the question's own figures: the pool's limits but the deadline were looked at before. */
static void judge(robust_sample *s, robust_world *world)
{
    robust_world_reset(s->draw->question, world);
    robust_pool_look(s->pool, world);
    bool any = false;
    for (size_t i = 0; i < s->pool->n; i++) {
        robust_cost cost;
        robust_pool_price(s->pool, i, &cost);
        s->scores[i].allowed =
            !(s->deadline_s > 0) || cost.latency_s <= s->deadline_s * (1 + CUT_LIMIT_TOLERANCE);
        any = any || s->scores[i].allowed;
    }
    for (size_t i = 0; i < s->pool->n && !any; i++)
        s->scores[i].allowed = true; /* the deadline cannot be kept: regrets are over all */
}

static void add_scenario(robust_sample *s, size_t scenario, double *cost)
{
    double best = INFINITY;
    for (size_t i = 0; i < s->pool->n; i++) {
        robust_cost c;
        robust_score *score = &s->scores[i];
        robust_pool_price(s->pool, i, &c);
        cost[i] = c.objective;
        robust_moments_add(&score->cost, c.objective);
        if (s->deadline_s > 0) {
            robust_moments_add(&score->latency, c.latency_s);
            score->misses += c.latency_s > s->deadline_s * (1 + CUT_LIMIT_TOLERANCE);
        }
        if (score->allowed && c.objective < best)
            best = c.objective;
    }
    s->best[scenario] = best;
    for (size_t i = 0; i < s->pool->n; i++)
        s->scores[i].worst_regret = fmax(s->scores[i].worst_regret, cost[i] - best);
}

kerf_status robust_sample_run(robust_sample *s, kerf_error *err)
{
    robust_world world = {0};
    double *cost = kerf_calloc(s->pool->n, sizeof *cost);
    s->scores = kerf_calloc(s->pool->n, sizeof *s->scores);
    s->best = kerf_calloc(s->n, sizeof *s->best);
    kerf_status status = robust_world_create(s->draw->question, &world, err);
    if (status == KERF_OK && (!cost || !s->scores || !s->best))
        status = kerf_fail(err, KERF_E_NOMEM, NULL,
                           "out of memory for %zu placements in %zu "
                           "scenarios",
                           s->pool->n, s->n);
    if (status != KERF_OK)
        goto out;
    judge(s, &world);
    for (size_t i = 0; i < s->pool->n; i++)
        s->scores[i].worst_regret = -INFINITY;
    for (size_t i = 0; i < s->n && status == KERF_OK; i++) {
        if (i % LOOK_AROUND == 0 && stopped(s->options)) {
            s->stopped = true;
            if (i < FEWEST)
                status = kerf_fail(err, KERF_E_TIME_LIMIT, NULL,
                                   "stopped after %zu of %zu scenarios, expected time for %zu", i,
                                   s->n, FEWEST);
            s->n = i;
            break;
        }
        robust_draw_world(s->draw, i, &world);
        robust_pool_look(s->pool, &world);
        add_scenario(s, i, cost);
    }
    if (status == KERF_OK && s->pool->out_of_memory)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for measured groups");
out:
    free(cost);
    robust_world_clear(&world);
    return status;
}

void robust_sample_clear(robust_sample *s)
{
    free(s->scores);
    free(s->best);
    s->scores = NULL;
    s->best = NULL;
}

bool robust_sample_keeps(const robust_sample *s, size_t entry, kerf_aim aim, double probability)
{
    const robust_score *score = &s->scores[entry];
    if (aim == KERF_AIM_CHANCE)
        return (double)score->misses <= (1 - probability) * (double)s->n * (1 + SAME);
    if (aim == KERF_AIM_CANTELLI)
        return robust_cantelli(score->latency.mean, robust_variance(&score->latency),
                               s->deadline_s) <= (1 - probability) * (1 + SAME);
    return score->allowed;
}

/* Of equal values the lower expected cost, then more on the device, is better. */
static bool is_better(const robust_sample *s, size_t i, double value, size_t best, double least)
{
    const double room = SAME * fabs(least);
    if (best == KERF_NONE || value < least - room)
        return true;
    if (value > least + room)
        return false;
    const double mine = s->scores[i].cost.mean, theirs = s->scores[best].cost.mean;
    if (fabs(mine - theirs) > SAME * fabs(theirs))
        return mine < theirs;
    return s->pool->list[i].device_operators > s->pool->list[best].device_operators;
}

size_t robust_sample_choose(const robust_sample *s, kerf_aim aim, double probability, double *value)
{
    size_t best = KERF_NONE;
    double least = INFINITY;
    for (size_t i = 0; i < s->pool->n; i++) {
        if (!robust_sample_keeps(s, i, aim, probability))
            continue;
        const robust_score *score = &s->scores[i];
        const double mine = aim == KERF_AIM_REGRET ? score->worst_regret : score->cost.mean;
        if (is_better(s, i, mine, best, least)) {
            best = i;
            least = mine;
        }
    }
    *value = least;
    return best;
}
