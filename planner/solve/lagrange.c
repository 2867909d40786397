#include "planner/solve/lagrange.h"

#include "base/error.h"
#include "base/lp_shield.h"
#include "base/memory.h"
#include "planner/solve/master.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PRICE  1e4   /* of a resource, as a multiple of the largest value of the goal */
#define MOST_FIGURE 1e9   /* in the program that proposes prices: larger ones count as that */
#define ROUNDING    1e-13 /* relative: what summing up may take from a bound */
#define ENOUGH      0.02 /* of what is missing to the cutoff: an improvement not worth asking for */
#define HOPELESS    0.25 /* the same where the cutoff is out of reach */
#define CLOSE       0.01 /* of what is missing to the cutoff: how closely a bound is computed */
#define FAR         0.01 /* of the bound: what is missing counts as no more than that */
#define NEAR_PEAK   0.02 /* of the limit: a step that says as much of the memory as another */
#define POOL_BYTES  ((size_t)1 << 26)
#define MOST_POOL   ((size_t)160)

/* A placement seen. */
typedef struct sample {
    uint64_t hash;
    cut_value value;
    double goal; /* in units of size; 0 where the goal is a bottleneck */
    double taken[MOST_RESOURCES];
    uint8_t *x;
    double *profile; /* where memory is limited */
    bool at_hand;    /* keeps the sides at hand */
} sample;

struct lagrange {
    const cut_problem *problem;
    lagrange_goal goal;
    lagrange_host host;
    cut_dag dag; /* of the problem with the memory's tensors */
    cut_memory memory;
    resource_list resources;
    resource_prices prices;
    cut_weights weights;
    double size, most;
    bool has_memory;
    double *profile;
    sample *pool;
    size_t n_pool, capacity, next;
    double *mix;
    cut_sum *sum;  /* over the placements at hand */
    uint8_t *seen; /* by operator: 1 on the device, 2 on the server below the cutoff */
    const double *marking_price; /* the prices for that; NULL: not looking for it */
};

static bool is_shared(const lagrange *l, size_t i)
{
    return l->goal == LAGRANGE_VIOLATION ||
           (l->goal == LAGRANGE_SLOWEST && l->resources.of[i].kind == RESOURCE_STAGE);
}

/* --- samples ------------------------------------------------------------------------------------
 */

static uint64_t hash_of(const uint8_t *x, size_t n)
{
    uint64_t h = 0xcbf29ce484222325U; /* FNV-1a */
    for (size_t v = 0; v < n; v++)
        h = (h ^ x[v]) * 0x100000001b3U;
    return h;
}

/* Stages are measured in units of size, as the goal is. */
static void take(const lagrange *l, sample *s)
{
    s->goal = l->goal == LAGRANGE_SUM ? cut_weighted(&l->weights, &s->value) / l->size : 0;
    resources_take(&l->resources, l->problem, &s->value, s->profile, s->taken);
    for (size_t i = 0; i < l->resources.n; i++)
        if (l->resources.of[i].kind == RESOURCE_STAGE)
            s->taken[i] /= l->size;
}

static double priced(const lagrange *l, const sample *s, const double *price)
{
    double sum = s->goal;
    for (size_t i = 0; i < l->resources.n; i++) {
        double slack = is_shared(l, i) ? 0 : CUT_LIMIT_TOLERANCE;
        sum += price[i] * (s->taken[i] - slack);
    }
    return sum;
}

static void mark(lagrange *l, const sample *s)
{
    if (priced(l, s, l->marking_price) * l->size >= l->host.cutoff(l->host.context))
        return;
    for (size_t v = 0; v < l->problem->n; v++)
        l->seen[v] |= s->x[v] ? 2 : 1;
}

static bool is_known(const lagrange *l, uint64_t hash)
{
    for (size_t k = 0; k < l->n_pool; k++)
        if (l->pool[k].hash == hash && l->pool[k].at_hand)
            return true;
    return false;
}

/* Room for one more: a sample that is not at hand, else the oldest. */
static sample *make_room(lagrange *l)
{
    if (l->n_pool < l->capacity)
        return &l->pool[l->n_pool++];
    for (size_t i = 0; i <= l->capacity; i++) {
        l->next = l->next + 1 < l->capacity ? l->next + 1 : 0;
        if (!l->pool[l->next].at_hand)
            break;
    }
    return &l->pool[l->next];
}

static bool add_step(lagrange *l, size_t step)
{
    if (!resources_add_step(&l->resources, l->problem, step))
        return false;
    size_t i = l->resources.n - 1;
    for (size_t k = 0; k < l->n_pool; k++)
        l->pool[k].taken[i] = l->pool[k].profile[step] / l->problem->limits.memory_bytes - 1;
    return true;
}

/* Makes the step of the peak a resource, unless one says much the same of this sample. */
static void look_at_peak(lagrange *l, const sample *s, size_t peak)
{
    double excess = s->profile[peak] / l->problem->limits.memory_bytes - 1, most = -1;
    for (size_t i = 0; i < l->resources.n; i++)
        if (l->resources.of[i].kind == RESOURCE_STEP)
            most = fmax(most, s->taken[i]);
    bool relevant = excess > 0 || l->goal == LAGRANGE_VIOLATION;
    if (relevant && (excess - most > NEAR_PEAK || (excess > 0 && most <= 0)))
        add_step(l, peak);
}

static void visit(void *context, const uint8_t *x, const cut_value *costs)
{
    lagrange *l = context;
    size_t n = l->problem->n, peak = 0;
    uint64_t hash = hash_of(x, n);
    if (is_known(l, hash))
        return;
    sample *s = make_room(l);
    s->hash = hash;
    s->at_hand = true;
    s->value = *costs;
    memcpy(s->x, x, n);
    if (l->has_memory) {
        cut_memory_profile(l->problem, x, s->profile);
        for (size_t step = 0; step <= n; step++)
            if (s->profile[step] > s->profile[peak])
                peak = step;
        s->value.memory_bytes = s->profile[peak];
    }
    take(l, s);
    if (l->has_memory)
        look_at_peak(l, s, peak);
    if (l->marking_price)
        mark(l, s);
    l->host.visit(l->host.context, x, &s->value);
}

static bool stopped(void *context)
{
    const lagrange *l = context;
    return l->host.stopped(l->host.context);
}

/* --- the dual function --------------------------------------------------------------------------
 */

/* The sum that prices make of the goal and the resources, all but what is returned. */
static double make_mix(lagrange *l, const double *price, cut_mix *mix)
{
    double scaled[MOST_RESOURCES] = {0}, slack = 0;
    *mix = (cut_mix){.up_bytes = 0};
    if (l->goal == LAGRANGE_SUM)
        mix->weights = (cut_weights){l->weights.energy / l->size, l->weights.latency / l->size,
                                     l->weights.server / l->size};
    for (size_t i = 0; i < l->resources.n; i++) {
        bool stage = l->resources.of[i].kind == RESOURCE_STAGE;
        scaled[i] = stage ? price[i] / l->size : price[i];
        slack += is_shared(l, i) ? 0 : CUT_LIMIT_TOLERANCE * price[i];
    }
    return resources_mix(&l->resources, &l->memory, scaled, &l->prices, mix) - slack;
}

/* How closely a sum need be known, relatively, where a bound is known already: to a small share of
 * what is missing to the cutoff. */
static double tolerance(const lagrange *l, double known, double constant)
{
    double missing = fmin(l->host.cutoff(l->host.context) - known, FAR * fabs(known));
    double sum = known / l->size - constant;
    return missing > 0 && sum > 0 && isfinite(sum) ? CLOSE * missing / l->size / sum : 0;
}

/* A lower bound of the goal: of the least sum, with the constant that make_mix returned. */
static kerf_status ask(lagrange *l, cut_mix *mix, double constant, double known, double *bound,
                       kerf_error *err)
{
    cut_sum_answer answer = {.bound = -INFINITY};
    mix->tolerance = tolerance(l, known, constant);
    kerf_status status = cut_sum_minimise(l->sum, mix, &answer, err);
    double rounding = ROUNDING * (fabs(answer.bound) + fabs(constant));
    *bound = isinf(answer.bound) ? answer.bound : (answer.bound + constant - rounding) * l->size;
    return status;
}

/* Asks, and keeps the prices if they are the best so far. */
static kerf_status try_prices(lagrange *l, const double *price, lagrange_point *at, bool *better,
                              kerf_error *err)
{
    double bound = -INFINITY;
    cut_mix mix;
    double constant = make_mix(l, price, &mix);
    kerf_status status = ask(l, &mix, constant, at->bound, &bound, err);
    *better = status == KERF_OK && bound > at->bound;
    if (*better) {
        at->bound = bound;
        memcpy(at->price, price, sizeof at->price);
    }
    return status;
}

/* --- the best prices ----------------------------------------------------------------------------
 */

/* Prices that sum to 1 do so to GLPK's tolerance only. */
static void normalise(const lagrange *l, double *price)
{
    double sum = 0;
    for (size_t i = 0; i < l->resources.n; i++)
        sum += is_shared(l, i) ? price[i] : 0;
    for (size_t i = 0; i < l->resources.n && sum > 1; i++)
        price[i] /= is_shared(l, i) ? sum : 1;
}

/* What excesses are divided by in the program that proposes prices: where all of them are prices of
 * one sum, that changes nothing. */
static double excess_unit(const lagrange *l)
{
    double most = 1;
    for (size_t k = 0; k < l->n_pool && l->goal == LAGRANGE_VIOLATION; k++)
        for (size_t i = 0; i < l->resources.n && l->pool[k].at_hand; i++)
            most = fmax(most, l->pool[k].taken[i]);
    return most;
}

/* The highest point under the samples at hand: prices, what is reached there, and the mix. */
static kerf_status propose(lagrange *l, double *price, double *reach, bool *found, kerf_error *err)
{
    double fixed[MOST_POOL], shares[MOST_POOL];
    const double *slopes[MOST_POOL];
    double slack[MOST_POOL][MOST_RESOURCES];
    bool shared[MOST_RESOURCES], any = false;
    size_t which[MOST_POOL], n = 0;
    const double unit = excess_unit(l);
    for (size_t i = 0; i < l->resources.n; i++) {
        shared[i] = is_shared(l, i);
        any = any || shared[i];
    }
    for (size_t k = 0; k < l->n_pool; k++) {
        if (!l->pool[k].at_hand)
            continue;
        for (size_t i = 0; i < l->resources.n; i++)
            slack[n][i] = fmin(l->pool[k].taken[i] / unit, MOST_FIGURE) -
                          (shared[i] ? 0 : CUT_LIMIT_TOLERANCE);
        fixed[n] = l->pool[k].goal;
        slopes[n] = slack[n];
        which[n++] = k;
    }
    master_question q = {.n = l->resources.n,
                         .most = l->goal == LAGRANGE_VIOLATION
                                     ? 1
                                     : fmin(MOST_PRICE * l->most / l->size, MOST_FIGURE),
                         .shared = any ? shared : NULL,
                         .n_samples = n,
                         .fixed = fixed,
                         .slopes = slopes};
    master_answer answer = {.multipliers = price, .shares = shares};
    kerf_status status = master_solve(&q, &answer, err);
    *found = status == KERF_OK && answer.found;
    *reach = answer.value * l->size * unit;
    if (!*found)
        return status;
    normalise(l, price);
    memset(l->mix, 0, l->problem->n * sizeof *l->mix);
    for (size_t k = 0; k < n; k++)
        for (size_t v = 0; v < l->problem->n && shares[k] > 0; v++)
            l->mix[v] += shares[k] * l->pool[which[k]].x[v];
    return status;
}

/* True if what can still be gained is not worth a question. */
static bool is_enough(const lagrange *l, const lagrange_point *at, double reach)
{
    double cutoff = l->host.cutoff(l->host.context), gain = reach - at->bound;
    if (at->bound >= cutoff || gain <= 1e-12 * l->size)
        return true;
    double far = FAR * fabs(at->bound), missing = fmin(cutoff - at->bound, far);
    return gain <= ENOUGH * missing ||
           (reach < cutoff && gain <= HOPELESS * fmin(cutoff - reach, far));
}

static kerf_status climb(lagrange *l, size_t questions, lagrange_point *at, kerf_error *err)
{
    double best[MOST_RESOURCES], next[MOST_RESOURCES] = {0};
    bool better, found = true;
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < questions && status == KERF_OK; i++) {
        double reach = INFINITY;
        size_t known = l->resources.n;
        status = propose(l, next, &reach, &found, err);
        if (status != KERF_OK || !found || is_enough(l, at, reach) || stopped(l))
            break;
        /* Half way from the best prices is often better than the far end of what is known. */
        memcpy(best, at->price, sizeof best);
        for (size_t j = 0; j < known && i % 2 == 0; j++)
            next[j] = 0.5 * (best[j] + next[j]);
        status = try_prices(l, next, at, &better, err);
    }
    return status;
}

/* Prices that are to sum to 1: equal ones where there are none yet. */
static void share_out(const lagrange *l, double *price)
{
    double sum = 0, count = 0;
    for (size_t i = 0; i < l->resources.n; i++) {
        sum += is_shared(l, i) ? price[i] : 0;
        count += is_shared(l, i) ? 1 : 0;
    }
    for (size_t i = 0; i < l->resources.n && sum <= 0; i++)
        if (is_shared(l, i))
            price[i] = 1 / count;
}

static bool keeps(const lagrange *l, const uint8_t *side, const uint8_t *x)
{
    for (size_t v = 0; v < l->problem->n; v++)
        if (side[v] != KERF_SIDE_FREE && (side[v] == KERF_SIDE_SERVER) != x[v])
            return false;
    return true;
}

kerf_status lagrange_bound(lagrange *l, const uint8_t *side, size_t questions, lagrange_point *at,
                           kerf_error *err)
{
    const cut_sum_host host = {visit, stopped, l};
    const double known = at->bound;
    bool better;
    double start[MOST_RESOURCES];
    cut_sum_destroy(&l->sum);
    for (size_t k = 0; k < l->n_pool; k++)
        l->pool[k].at_hand = keeps(l, side, l->pool[k].x);
    kerf_status status =
        cut_sum_create(&l->memory.relaxed, &l->dag, side, l->has_memory, &host, &l->sum, err);
    if (status != KERF_OK)
        return status;
    memcpy(start, at->price, sizeof start);
    share_out(l, start);
    at->bound = -INFINITY;
    status = try_prices(l, start, at, &better, err);
    if (status == KERF_OK)
        status = climb(l, questions, at, err);
    if (at->bound > lagrange_most(l) * (1 + CUT_LIMIT_TOLERANCE))
        at->bound = INFINITY;
    at->bound = fmax(at->bound, known);
    return status;
}

const double *lagrange_mix(const lagrange *l)
{
    return l->mix;
}

/* --- fixing -------------------------------------------------------------------------------------
 */

/* The operators that follow from v being on a side; false where one is on the other side. */
static bool fix(const lagrange *l, uint8_t *side, size_t v, uint8_t value, size_t *fixed)
{
    const cut_tensor *tensors = l->memory.relaxed.tensors;
    const bool down = value == KERF_SIDE_SERVER;
    side[v] = value;
    ++*fixed;
    for (size_t k = 0; k < (down ? l->problem->n - v : v + 1); k++) {
        size_t w = down ? v + k : v - k;
        for (size_t i = l->dag.read_start[w]; i < l->dag.read_start[w + 1]; i++) {
            size_t u = tensors[l->dag.read[i]].producer;
            if (u == CUT_SOURCE || side[down ? u : w] != value)
                continue;
            uint8_t *other = &side[down ? w : u];
            if (*other != KERF_SIDE_FREE && *other != value)
                return false;
            *fixed += *other == KERF_SIDE_FREE;
            *other = value;
        }
    }
    return true;
}

/* The middle one of the operators that are free and have not been seen on that side. */
static size_t choose(const lagrange *l, const uint8_t *side, uint8_t bit)
{
    size_t count = 0;
    for (size_t v = 0; v < l->problem->n; v++)
        count += side[v] == KERF_SIDE_FREE && !(l->seen[v] & bit);
    if (count == 0)
        return KERF_NONE;
    count = count / 2;
    for (size_t v = 0; v < l->problem->n; v++)
        if (side[v] == KERF_SIDE_FREE && !(l->seen[v] & bit) && count-- == 0)
            return v;
    return KERF_NONE;
}

/* Tries to keep operator v from the side that `bit` stands for: asks with a penalty for the other
 * one that alone would bring the bound to the cutoff. */
static kerf_status fix_one(lagrange *l, cut_mix *mix, double constant, double penalty, size_t v,
                           uint8_t bit, uint8_t *side, lagrange_point *at, size_t *fixed,
                           kerf_error *err)
{
    double *place = bit == 1 ? &l->prices.on_server[v] : &l->prices.on_device[v];
    const double before = *place;
    double bound = -INFINITY;
    *place += penalty;
    kerf_status status = ask(l, mix, constant, at->bound, &bound, err);
    *place = before;
    if (status != KERF_OK)
        return status;
    double cutoff = l->host.cutoff(l->host.context);
    if (bound < cutoff)
        l->seen[v] |= bit;
    else if (!fix(l, side, v, bit == 1 ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE, fixed))
        at->bound = fmax(at->bound, cutoff);
    return KERF_OK;
}

kerf_status lagrange_fix(lagrange *l, lagrange_point *at, size_t questions, uint8_t *side,
                         size_t *fixed, kerf_error *err)
{
    kerf_status status = KERF_OK;
    cut_mix mix;
    double constant = make_mix(l, at->price, &mix);
    double penalty = 1.01 * (l->host.cutoff(l->host.context) - at->bound) / l->size;
    *fixed = 0;
    if (!(penalty > 0) || isinf(penalty))
        return KERF_OK;
    memset(l->seen, 0, l->problem->n);
    l->marking_price = at->price;
    for (size_t k = 0; k < l->n_pool; k++)
        if (l->pool[k].at_hand)
            mark(l, &l->pool[k]);
    for (uint8_t bit = 1; bit <= 2; bit++)
        while (status == KERF_OK && questions > 0 && !stopped(l) &&
               at->bound < l->host.cutoff(l->host.context)) {
            size_t v = choose(l, side, bit);
            if (v == KERF_NONE)
                break;
            questions--;
            status = fix_one(l, &mix, constant, penalty, v, bit, side, at, fixed, err);
        }
    l->marking_price = NULL;
    return status;
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static bool allocate(lagrange *l)
{
    size_t n = l->problem->n, each = n + (l->has_memory ? (n + 1) * sizeof(double) : 0);
    size_t room = POOL_BYTES / each;
    l->capacity = room > MOST_POOL ? MOST_POOL : room < 16 ? 16 : room;
    l->mix = kerf_calloc(n, sizeof *l->mix);
    l->seen = kerf_calloc(n, 1);
    l->pool = kerf_calloc(l->capacity, sizeof *l->pool);
    for (size_t k = 0; k < l->capacity && l->pool; k++) {
        l->pool[k].x = kerf_calloc(n, 1);
        l->pool[k].profile = kerf_calloc(l->has_memory ? n + 1 : 0, sizeof(double));
        if (!l->pool[k].x || !l->pool[k].profile)
            return false;
    }
    return l->mix && l->seen && l->pool;
}

kerf_status lagrange_create(const cut_problem *problem, lagrange_goal goal,
                            const lagrange_host *host, lagrange **lagrangian, kerf_error *err)
{
    lagrange *l = kerf_calloc(1, sizeof *l);
    cut_dag plain = {.made = NULL};
    kerf_status status = KERF_E_NOMEM;
    if (l) {
        l->problem = problem;
        l->goal = goal;
        l->host = *host;
        l->size = 1;
        l->has_memory = problem->limits.memory_bytes > 0;
        resources_start(&l->resources, problem, goal == LAGRANGE_SLOWEST);
    }
    if (!l || !allocate(l))
        kerf_fail(err, status, NULL, "out of memory for %zu operators", problem->n);
    else
        status = cut_dag_create(problem, &plain, err);
    if (status == KERF_OK)
        status = cut_memory_create(problem, &plain, &l->memory, err);
    if (status == KERF_OK)
        status = cut_dag_create(&l->memory.relaxed, &l->dag, err);
    if (status == KERF_OK)
        status = resource_prices_create(&l->prices, &l->memory.relaxed, err);
    cut_dag_clear(&plain);
    if (status == KERF_OK)
        *lagrangian = l;
    else
        lagrange_destroy(&l);
    return status;
}

static double largest_goal(const lagrange *l)
{
    cut_value most;
    resources_most(l->problem, &most);
    if (l->goal == LAGRANGE_VIOLATION)
        return INFINITY; /* every placement has one */
    return l->goal == LAGRANGE_SLOWEST ? most.slowest_s : cut_weighted(&l->weights, &most);
}

void lagrange_set_goal(lagrange *l, const cut_weights *weights, double size)
{
    l->weights = *weights;
    l->size = l->goal == LAGRANGE_VIOLATION ? 1 : size; /* excesses are relative */
    l->most = largest_goal(l);
    for (size_t k = 0; k < l->n_pool; k++)
        take(l, &l->pool[k]);
}

double lagrange_most(const lagrange *l)
{
    return l->most;
}

void lagrange_destroy(lagrange **lagrangian)
{
    lagrange *l = *lagrangian;
    if (!l)
        return;
    cut_sum_destroy(&l->sum);
    cut_dag_clear(&l->dag);
    cut_memory_clear(&l->memory);
    resource_prices_clear(&l->prices);
    for (size_t k = 0; k < l->capacity && l->pool; k++) {
        free(l->pool[k].x);
        free(l->pool[k].profile);
    }
    free(l->pool);
    free(l->mix);
    free(l->seen);
    free(l);
    lp_release();
    *lagrangian = NULL;
}
