#include "planner/robust/sensitivity_walk.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/explain.h"
#include "planner/solve/clock.h"
#include "planner/solve/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAME      1e-9 /* relative difference below which two costs are the same */
#define MAX_STEPS 200
#define BETWEEN   16 /* points looked at where two answers may change their order twice */

static void fail(walk *w, kerf_status status)
{
    if (w->status == KERF_OK)
        w->status = status;
}

/* --- a value of the figure --- */

static void make_problems(walk *w, robust_problem *made)
{
    for (size_t i = 0; w->status == KERF_OK && i < w->pool.choices->n; i++) {
        robust_problem_clear(&made[i]);
        fail(w, robust_problem_make(&w->pool, i, &w->world, &made[i], w->err));
    }
}

static void set(walk *w, const figure *f, double u)
{
    robust_world_reset(w->question, &w->world);
    if (f->target.kind == ROBUST_LOAD)
        robust_set(&f->target, 1 - 1 / u, &w->world);
    else if (f->target.kind >= ROBUST_RATE)
        robust_set(&f->target, u, &w->world);
    else
        robust_scale(&f->target, u, &w->world);
    if (w->asks)
        make_problems(w, w->at);
    else
        robust_pool_look(&w->pool, &w->world);
}

/* --- rivals --- */

static size_t rivals_of(const walk *w)
{
    return w->asks ? w->n_rivals : w->pool.n;
}

static void price(walk *w, size_t i, robust_cost *cost)
{
    if (!w->asks) {
        robust_pool_price(&w->pool, i, cost);
        return;
    }
    cut_value v;
    cut_evaluate_costs(&w->at[w->rivals[i].choice].problem, w->rivals[i].x, &v);
    *cost = (robust_cost){v.objective, v.energy_J, v.latency_s};
}

/* INFINITY where a limit on time or energy is broken. */
static double cost_of(walk *w, size_t i)
{
    const kerf_limits *l = &w->question->limits;
    robust_cost c;
    price(w, i, &c);
    if ((l->deadline_s > 0 && c.latency_s > l->deadline_s * (1 + SAME)) ||
        (l->energy_J > 0 && c.energy_J > l->energy_J * (1 + SAME)))
        return INFINITY;
    return c.objective;
}

static bool better(double challenger, double cost)
{
    return challenger < cost && (isinf(cost) || challenger < cost - SAME * fabs(cost));
}

static kerf_status add_rival(walk *w, size_t choice, const uint8_t *x, kerf_error *err)
{
    const size_t n = w->pool.choices->list[choice].binding.problem.n;
    uint8_t *copy = kerf_calloc(n, 1);
    if (!copy || kerf_reserve(&w->rivals, &w->cap_rivals, w->n_rivals + 1, SIZE_MAX / 2,
                              sizeof *w->rivals) != 0) {
        free(copy);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu answers", w->n_rivals);
    }
    memcpy(copy, x, n);
    w->rivals[w->n_rivals++] = (rival){choice, copy};
    return KERF_OK;
}

/* Asks for the best of a choice; takes note of it if it is better than *mark. */
static void ask(walk *w, size_t choice, double *mark, size_t *best)
{
    cut_solution found = {0};
    kerf_error local = {0};
    cut_options options = w->options;
    options.top = 0;
    options.start = choice == w->rivals[w->mine].choice ? w->rivals[w->mine].x : NULL;
    kerf_status status =
        explain_solve(&w->at[choice].problem, w->question->solver, &options, &found, &local);
    if (status == KERF_E_INFEASIBLE)
        return;
    if (status == KERF_OK && better(found.objective, *mark)) {
        status = add_rival(w, choice, found.x, &local);
        *mark = found.objective;
        *best = w->n_rivals - 1;
    }
    if (status != KERF_OK && w->err)
        *w->err = local;
    if (status != KERF_OK)
        fail(w, status);
    cut_solution_clear(&found);
}

/* Who beats the answer at u; *holds if nobody does. KERF_NONE without *holds: nothing keeps the
 * limits there. */
static size_t challenge(walk *w, const figure *f, double u, bool *holds)
{
    set(w, f, u);
    if (w->status != KERF_OK)
        return KERF_NONE;
    const double mine = cost_of(w, w->mine);
    double mark = mine;
    size_t best = KERF_NONE;
    for (size_t i = 0; i < rivals_of(w); i++) {
        const double cost = cost_of(w, i);
        if (better(cost, mark)) {
            mark = cost;
            best = i;
        }
    }
    for (size_t i = 0;
         w->asks && best == KERF_NONE && w->status == KERF_OK && i < w->pool.choices->n; i++)
        ask(w, i, &mark, &best);
    *holds = best == KERF_NONE && isfinite(mine);
    return best;
}

/* --- along the figure --- */

/* Where two lines meet that are known here and there. */
static double meeting(walk *w, const figure *f, size_t challenger, double good, double bad)
{
    set(w, f, good);
    const double here = cost_of(w, challenger) - cost_of(w, w->mine);
    set(w, f, bad);
    const double there = cost_of(w, challenger) - cost_of(w, w->mine);
    return here > 0 ? good + (bad - good) * (here / (here - there)) : good;
}

/* Between `good`, where the answer is no worse than the challenger, and `bad`. */
static double crossing(walk *w, const figure *f, size_t challenger, double good, double bad)
{
    if (f->lines && challenger != KERF_NONE)
        return meeting(w, f, challenger, good, bad);
    for (int i = 0; i < 200 && fabs(good - bad) > 1e-12 * good && w->status == KERF_OK; i++) {
        const double middle = sqrt(good) * sqrt(bad);
        set(w, f, middle);
        const double mine = cost_of(w, w->mine);
        const bool worse = challenger == KERF_NONE ? isinf(mine) : cost_of(w, challenger) < mine;
        if (worse)
            bad = middle;
        else
            good = middle;
    }
    return bad;
}

static size_t look_between(walk *w, const figure *f, double *far, bool *holds)
{
    const double from = f->now, to = *far;
    size_t who = KERF_NONE;
    for (int i = 1; f->twice && *holds && w->status == KERF_OK && i < BETWEEN; i++) {
        const double u = from * pow(to / from, (double)i / BETWEEN);
        who = challenge(w, f, u, holds);
        if (!*holds)
            *far = u;
    }
    return who;
}

double walk_border(walk *w, const figure *f, double end, double never)
{
    double far = end;
    if (end == f->now)
        return never;
    for (int step = 0; step < MAX_STEPS; step++) {
        bool holds = true;
        size_t who = challenge(w, f, far, &holds);
        if (holds)
            who = look_between(w, f, &far, &holds);
        if (holds || w->status != KERF_OK)
            return far == end ? never : far;
        const double next = crossing(w, f, who, f->now, far);
        if (fabs(next - far) <= 1e-10 * far || fabs(next - f->now) <= 1e-10 * f->now)
            return next;
        far = next * (far > f->now ? 1 - 1e-11 : 1 + 1e-11);
    }
    return far;
}

/* --- whether there is anything to walk along --- */

/* Which figures are looked at: all, or times alone. */
typedef enum { ALL_FIGURES, TIMES } walk_kind;

static bool same_cost(const cut_cost *a, const cut_cost *b, walk_kind kind)
{
    return a->device_s == b->device_s && a->server_s == b->server_s &&
           (kind == TIMES || (a->device_J == b->device_J && a->server_J == b->server_J));
}

/* Of all that a figure may change in a problem, but what the link costs. */
static bool same_figures(const cut_problem *a, const cut_problem *b, walk_kind kind)
{
    bool same = same_cost(&a->device_part, &b->device_part, kind) &&
                same_cost(&a->server_part, &b->server_part, kind) && a->n_bundles == b->n_bundles;
    for (size_t g = 0; g < a->n_groups && same; g++)
        for (size_t j = 0; j <= a->groups[g].n && same; j++)
            same = same_cost(&a->groups[g].table[j], &b->groups[g].table[j], kind);
    for (size_t i = 0; same && i < a->n_bundles; i++)
        same = same_cost(&a->bundles[i].cost, &b->bundles[i].cost, kind);
    for (size_t t = 0; same && t < a->n_tensors; t++)
        same = same_cost(&a->tensors[t].up_cost, &b->tensors[t].up_cost, kind) &&
               same_cost(&a->tensors[t].down_cost, &b->tensors[t].down_cost, kind);
    return same;
}

/* What the fewest and the most bytes each way cost. */
static void look_at_transfers(const cut_problem *p, walk_transfers *seen)
{
    const kerf_link *link = p->link;
    *seen = (walk_transfers){.fixed_J = kerf_link_fixed_J(link), .wait_W = p->wait_W};
    for (int d = 0; d < 2; d++) {
        const kerf_direction way = (kerf_direction)d;
        double bytes[2];
        cut_byte_range(p, way, &bytes[0], &bytes[1]);
        for (int i = 0; i < 2 && bytes[i] > 0; i++) {
            seen->s[d][i] = kerf_link_transfer_s(link, way, bytes[i]);
            seen->J[d][i] = kerf_link_transfer_J(link, way, bytes[i]);
            seen->occupancy_s[d][i] = kerf_link_occupancy_s(link, way, bytes[i]);
        }
    }
}

static bool same_transfers(const walk_transfers *a, const walk_transfers *b, walk_kind kind)
{
    bool same = kind == TIMES || (a->fixed_J == b->fixed_J && a->wait_W == b->wait_W);
    for (int d = 0; d < 2; d++)
        for (int i = 0; i < 2; i++)
            same = same && a->s[d][i] == b->s[d][i] &&
                   (kind == TIMES || a->J[d][i] == b->J[d][i]) &&
                   a->occupancy_s[d][i] == b->occupancy_s[d][i];
    return same;
}

static bool same_problems(walk *w, walk_kind kind)
{
    bool same = true;
    for (size_t i = 0; same && w->status == KERF_OK && i < w->pool.choices->n; i++) {
        walk_transfers now;
        look_at_transfers(&w->at[i].problem, &now);
        same = same_figures(&w->as_stated[i].problem, &w->at[i].problem, kind) &&
               same_transfers(&w->transfers[i], &now, kind);
    }
    return same;
}

static bool same_price(const robust_cost *a, const robust_cost *b, walk_kind kind)
{
    return a->latency_s == b->latency_s && a->objective == b->objective &&
           (kind == TIMES || a->energy_J == b->energy_J);
}

static bool same_at(walk *w, const figure *f, double u, walk_kind kind)
{
    bool same = true;
    set(w, f, u);
    if (w->asks)
        return same_problems(w, kind);
    for (size_t i = 0; same && i < w->pool.n; i++) {
        robust_cost now;
        robust_pool_price(&w->pool, i, &now);
        same = same_price(&w->stated[i], &now, kind);
    }
    return same;
}

/* Costs rise, or fall, with a figure: what is the same at both ends is so in between. A little more
 * or less need not change any: maxima, and transfers that end before the full rate is reached. */
static bool same_all_over(walk *w, const figure *f, walk_kind kind)
{
    return same_at(w, f, f->low, kind) && same_at(w, f, f->high, kind);
}

bool walk_matters(walk *w, const figure *f)
{
    return !same_all_over(w, f, ALL_FIGURES);
}

bool walk_decides(walk *w, const figure *f)
{
    const kerf_question *q = w->question;
    const bool times = q->objective == KERF_OBJ_LATENCY || q->objective == KERF_OBJ_THROUGHPUT ||
                       (q->objective == KERF_OBJ_WEIGHTED && !(q->weight_energy > 0));
    return !times || q->limits.energy_J > 0 || !same_all_over(w, f, TIMES);
}

void walk_double(walk *w, const figure *f)
{
    set(w, f, f->now * 2);
    for (size_t i = 0; i < w->pool.n; i++)
        robust_pool_price(&w->pool, i, &w->doubled[i]);
}

/* --- beginning and end --- */

static kerf_status price_all(walk *w, kerf_error *err)
{
    w->stated = kerf_calloc(w->pool.n, sizeof *w->stated);
    w->doubled = kerf_calloc(w->pool.n, sizeof *w->doubled);
    if (!w->stated || !w->doubled)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    robust_pool_look(&w->pool, &w->world);
    for (size_t i = 0; i < w->pool.n; i++)
        robust_pool_price(&w->pool, i, &w->stated[i]);
    w->mine = robust_pool_find(&w->pool, w->search->best, w->search->solution.x);
    return w->mine == KERF_NONE
               ? kerf_fail(err, KERF_E_INTERNAL, "sensitivity", "the answer is no placement")
               : KERF_OK;
}

static kerf_status prepare_to_ask(walk *w, const robust_variety *variety, kerf_error *err)
{
    const cut_choices *choices = &w->search->choices;
    robust_pool_clear(&w->pool);
    w->asks = true;
    kerf_status status = robust_pool_begin(choices, variety, &w->pool, err);
    if (status != KERF_OK)
        return status;
    w->as_stated = kerf_calloc(choices->n, sizeof *w->as_stated);
    w->at = kerf_calloc(choices->n, sizeof *w->at);
    w->transfers = kerf_calloc(choices->n, sizeof *w->transfers);
    if (!w->as_stated || !w->at || !w->transfers)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    make_problems(w, w->as_stated);
    /* Later their links, and what measured groups are of, are those of another world. */
    for (size_t i = 0; w->status == KERF_OK && i < choices->n; i++)
        look_at_transfers(&w->as_stated[i].problem, &w->transfers[i]);
    return w->status == KERF_OK ? add_rival(w, w->search->best, w->search->solution.x, err)
                                : w->status;
}

/* All placements that keep the limits which no figure changes. */
kerf_status walk_start(walk *w, const walk_size *size, kerf_error *err)
{
    const robust_variety variety = {.device = true, .deadline = true, .energy = true};
    kerf_error local = {0};
    w->err = err;
    w->options = w->search->options;
    if (w->options.deadline_s > 0)
        w->options.time_limit_s = fmax(w->options.deadline_s - cut_clock_s(), 1e-9);
    kerf_status status = robust_world_create(w->question, &w->world, err);
    if (status != KERF_OK)
        return status;
    status =
        robust_pool_create(&w->search->choices, &variety, &w->options, size->few, &w->pool, &local);
    w->options.time_limit_s = 0;
    if (status == KERF_OK)
        return price_all(w, err);
    if (status == KERF_E_TOO_LARGE && !size->refuse)
        return prepare_to_ask(w, &variety, err);
    if (err)
        *err = local;
    return status;
}

void walk_clear(walk *w)
{
    for (size_t i = 0; w->as_stated && w->at && i < w->pool.choices->n; i++) {
        robust_problem_clear(&w->as_stated[i]);
        robust_problem_clear(&w->at[i]);
    }
    for (size_t i = 0; i < w->n_rivals; i++)
        free(w->rivals[i].x);
    free(w->rivals);
    free(w->as_stated);
    free(w->at);
    free(w->transfers);
    free(w->stated);
    free(w->doubled);
    robust_pool_clear(&w->pool);
    robust_world_clear(&w->world);
}
