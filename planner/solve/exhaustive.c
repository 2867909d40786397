/* Complete enumeration of the order ideals: the sets of operators that may be on the device.
 *
 * A binary tree is walked: take an operator all of whose producers are on the device; first put it
 * there too, then leave it (and so all that depends on it) on the server. Every leaf is another
 * placement, so the walk takes one step per placement, of the operator's degree. Sums are kept in
 * twice the working precision and restored, not undone, so that no rounding gathers up. */
#include "planner/solve/exhaustive.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"
#include "planner/solve/dag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AROUND ((size_t)4096) /* placements between looks at the clock */

/* hi + lo, exact to twice a double's precision (Knuth's two-sum). */
typedef struct wide {
    double hi, lo;
} wide;

typedef enum figure {
    DEVICE_S,
    DEVICE_J,
    SERVER_S,
    SERVER_J,
    UP_BYTES,
    DOWN_BYTES,
    OWN_WEIGHT_BYTES, /* of weights that no other operator needs; where memory is limited */
    N_FIGURES
} figure;

typedef struct state {
    wide sums[N_FIGURES];
    uint64_t cut[2];     /* hash of the set of crossing tensors */
    size_t n_up, n_down; /* crossing tensors and results of more than zero bytes */
    size_t device_operators;
} state;

typedef struct frame {
    size_t operator_index;
    state before;
} frame;

typedef struct candidate {
    double violation, objective;
    uint64_t cut[2];
    uint8_t *x;
} candidate;

typedef struct walk {
    const cut_problem *problem;
    const cut_options *options;
    cut_dag dag;
    uint8_t *side;     /* what the pins imply */
    uint8_t *x;        /* the placement at hand */
    size_t *missing;   /* by operator: tensors read whose producer is still on the server */
    size_t *on_device; /* by group: operators on the device */
    size_t *on_server; /* by tensor: consumers on the server */
    size_t *bundled;   /* by bundle: its operators on the device */
    size_t *bundle_start, *bundles; /* by operator: the bundles that it is in */
    size_t *next;                   /* list of operators that can be decided now */
    size_t head;
    frame *frames;
    size_t depth;
    state now;
    double *own_weights; /* bytes by operator */
    size_t examined, limit;
    bool count_only;
    cut_visitor *visitor; /* NULL: the best are kept */
    void *context;
    candidate *best; /* ascending; n_best of room for options.top */
    size_t n_best, top;
    bool codec; /* some tensor costs more than its bytes */
    double deadline;
    double bound; /* of every placement, known before the walk */
    bool stopped, out_of_memory;
} walk;

static void add(wide *sum, double term)
{
    double total = sum->hi + term;
    double part = total - sum->hi;
    double error = (sum->hi - (total - part)) + (term - part) + sum->lo;
    sum->hi = total + error;
    sum->lo = error - (sum->hi - total);
}

/* splitmix64 of a tensor's index: the keys whose exclusive or is the hash of a set. */
static uint64_t key(uint64_t z)
{
    z += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static void add_cost(state *now, const cut_cost *cost, double sign)
{
    add(&now->sums[DEVICE_S], sign * cost->device_s);
    add(&now->sums[DEVICE_J], sign * cost->device_J);
    add(&now->sums[SERVER_S], sign * cost->server_s);
    add(&now->sums[SERVER_J], sign * cost->server_J);
}

static void toggle_up(walk *w, size_t t, bool crosses)
{
    double bytes = w->problem->tensors[t].up_bytes;
    w->now.cut[0] ^= key(2 * (uint64_t)t);
    w->now.cut[1] ^= key(2 * (uint64_t)t + 1);
    if (bytes > 0) {
        w->now.n_up = crosses ? w->now.n_up + 1 : w->now.n_up - 1;
        add(&w->now.sums[UP_BYTES], crosses ? bytes : -bytes);
        if (w->codec)
            add_cost(&w->now, &w->problem->tensors[t].up_cost, crosses ? 1 : -1);
    }
}

static void toggle_down(walk *w, const cut_tensor *tensor, bool crosses)
{
    if (tensor->to_device && tensor->down_bytes > 0) {
        w->now.n_down = crosses ? w->now.n_down + 1 : w->now.n_down - 1;
        add(&w->now.sums[DOWN_BYTES], crosses ? tensor->down_bytes : -tensor->down_bytes);
        if (w->codec)
            add_cost(&w->now, &tensor->down_cost, crosses ? 1 : -1);
    }
}

/* Operator v goes to the device: bundles that it completes there, or was the first to leave on the
 * server. */
static void include_bundles(walk *w, size_t v)
{
    for (size_t i = w->bundle_start[v]; i < w->bundle_start[v + 1]; i++) {
        const cut_bundle *bundle = &w->problem->bundles[w->bundles[i]];
        const size_t here = ++w->bundled[w->bundles[i]];
        if (bundle->side == KERF_SIDE_DEVICE && here == bundle->n)
            add_cost(&w->now, &bundle->cost, 1);
        else if (bundle->side == KERF_SIDE_SERVER && here == 1)
            add_cost(&w->now, &bundle->cost, -1);
    }
}

static void list_bundles(walk *w)
{
    const cut_problem *p = w->problem;
    for (size_t b = 0; b < p->n_bundles; b++)
        for (size_t i = 0; i < p->bundles[b].n; i++)
            w->bundle_start[p->bundles[b].operators[i] + 1]++;
    for (size_t v = 0; v < p->n; v++)
        w->bundle_start[v + 1] += w->bundle_start[v];
    for (size_t b = 0; b < p->n_bundles; b++)
        for (size_t i = 0; i < p->bundles[b].n; i++)
            w->bundles[w->bundle_start[p->bundles[b].operators[i]]++] = b;
    memmove(w->bundle_start + 1, w->bundle_start, p->n * sizeof *w->bundle_start);
    w->bundle_start[0] = 0;
}

/* An operator that a side is forced on has none to be decided. */
static void push_ready(walk *w, size_t v)
{
    if (w->side[v] != KERF_SIDE_FREE)
        return;
    w->next[v] = w->head;
    w->head = v;
}

/* Everything on the server. */
static void start(walk *w)
{
    const cut_problem *p = w->problem;
    memset(w->x, 1, p->n);
    w->codec = cut_has_codec(p);
    for (size_t g = 0; g < p->n_groups; g++)
        add_cost(&w->now, &p->groups[g].table[0], 1);
    list_bundles(w);
    for (size_t b = 0; b < p->n_bundles; b++)
        if (p->bundles[b].side == KERF_SIDE_SERVER)
            add_cost(&w->now, &p->bundles[b].cost, 1);
    for (size_t t = 0; t < p->n_tensors; t++) {
        const cut_tensor *tensor = &p->tensors[t];
        w->on_server[t] = tensor->n_consumers;
        if (tensor->producer == CUT_SOURCE) {
            if (tensor->n_consumers > 0 || tensor->to_server)
                toggle_up(w, t, true);
            continue;
        }
        toggle_down(w, tensor, true);
        for (size_t i = 0; i < tensor->n_consumers; i++)
            w->missing[tensor->consumers[i]]++;
    }
    for (size_t i = 0; i < p->n_weights; i++)
        if (p->weights[i].n == 1)
            w->own_weights[p->weights[i].operators[0]] += p->weights[i].bytes;
    w->head = KERF_NONE;
    for (size_t v = p->n; v-- > 0;)
        if (w->missing[v] == 0)
            push_ready(w, v);
}

/* Tensors that v reads: those without a consumer left on the server cross no longer. */
static void include_reads(walk *w, size_t v)
{
    for (size_t i = w->dag.read_start[v]; i < w->dag.read_start[v + 1]; i++) {
        size_t t = w->dag.read[i];
        if (--w->on_server[t] == 0 && !w->problem->tensors[t].to_server)
            toggle_up(w, t, false);
    }
}

/* Tensors that v makes: they cross now if anything reads them. */
static void include_makes(walk *w, size_t v)
{
    for (size_t i = w->dag.made_start[v]; i < w->dag.made_start[v + 1]; i++) {
        size_t t = w->dag.made[i];
        const cut_tensor *tensor = &w->problem->tensors[t];
        toggle_down(w, tensor, false);
        if (tensor->n_consumers > 0 || tensor->to_server)
            toggle_up(w, t, true);
    }
}

/* Readers of what v makes may become ready. */
static void release_readers(walk *w, size_t v)
{
    for (size_t i = w->dag.made_start[v]; i < w->dag.made_start[v + 1]; i++) {
        const cut_tensor *tensor = &w->problem->tensors[w->dag.made[i]];
        for (size_t c = 0; c < tensor->n_consumers; c++)
            if (--w->missing[tensor->consumers[c]] == 0)
                push_ready(w, tensor->consumers[c]);
    }
}

static void put_on_device(walk *w, size_t v)
{
    release_readers(w, v);
    if (w->count_only)
        return;
    w->x[v] = 0;
    w->now.device_operators++;
    const cut_group *group = &w->problem->groups[w->dag.group[v]];
    size_t j = w->on_device[w->dag.group[v]]++;
    add_cost(&w->now, &group->table[j], -1);
    add_cost(&w->now, &group->table[j + 1], 1);
    if (w->problem->limits.memory_bytes > 0)
        add(&w->now.sums[OWN_WEIGHT_BYTES], w->own_weights[v]);
    include_bundles(w, v);
    include_reads(w, v);
    include_makes(w, v);
}

static void include(walk *w, size_t v)
{
    frame *f = &w->frames[w->depth++];
    f->operator_index = v;
    if (!w->count_only)
        f->before = w->now;
    w->head = w->next[v];
    put_on_device(w, v);
}

/* Takes back the last inclusion and leaves that operator on the server. */
static void exclude_last(walk *w)
{
    const frame *f = &w->frames[--w->depth];
    size_t v = f->operator_index;
    w->head = w->next[v];
    for (size_t i = w->dag.made_start[v]; i < w->dag.made_start[v + 1]; i++) {
        const cut_tensor *tensor = &w->problem->tensors[w->dag.made[i]];
        for (size_t c = 0; c < tensor->n_consumers; c++)
            w->missing[tensor->consumers[c]]++;
    }
    if (w->count_only)
        return;
    for (size_t i = w->dag.read_start[v]; i < w->dag.read_start[v + 1]; i++)
        w->on_server[w->dag.read[i]]++;
    for (size_t i = w->bundle_start[v]; i < w->bundle_start[v + 1]; i++)
        w->bundled[w->bundles[i]]--;
    w->on_device[w->dag.group[v]]--;
    w->x[v] = 1;
    w->now = f->before;
}

static double total(const walk *w, figure which)
{
    double value = w->now.sums[which].hi;
    return value > 0 ? value : 0;
}

static void price(const walk *w, cut_value *value)
{
    const cut_problem *p = w->problem;
    *value = (cut_value){.device_s = total(w, DEVICE_S),
                         .device_J = total(w, DEVICE_J),
                         .server_s = total(w, SERVER_S),
                         .server_J = total(w, SERVER_J),
                         .up_bytes = w->now.n_up > 0 ? total(w, UP_BYTES) : 0,
                         .down_bytes = w->now.n_down > 0 ? total(w, DOWN_BYTES) : 0,
                         .device_operators = w->now.device_operators};
    if (p->n_bundles > 0)
        cut_settle(p, value);
    if (value->device_operators > 0) {
        value->device_s += p->device_part.device_s;
        value->device_J += p->device_part.device_J;
    }
    if (value->device_operators < p->n) {
        value->server_s += p->server_part.server_s;
        value->server_J += p->server_part.server_J;
    }
    cut_combine(p, value);
}

/* The order in which placements are better. */
static bool better(const walk *w, const cut_value *value, const candidate *than)
{
    if (w->options->minimise_violation && value->violation != than->violation)
        return value->violation < than->violation;
    return value->objective < than->objective;
}

static bool wanted(const walk *w, const cut_value *value)
{
    const bool closest = w->options->minimise_violation;
    if (value->violation > 0 && !closest)
        return false;
    if (w->options->below > 0 &&
        (closest ? value->violation : value->objective) >= w->options->below)
        return false;
    return w->n_best < w->top || better(w, value, &w->best[w->n_best - 1]);
}

/* Puts the placement at hand into the list of the best, once per cut. */
static void keep(walk *w, const cut_value *value)
{
    size_t at = 0;
    while (at < w->n_best && memcmp(w->best[at].cut, w->now.cut, sizeof w->now.cut) != 0)
        at++;
    if (at < w->n_best && !better(w, value, &w->best[at]))
        return;
    if (at == w->n_best && w->n_best == w->top)
        at--;
    if (at == w->n_best) {
        w->best[at].x = kerf_calloc(w->problem->n, 1);
        if (!w->best[at].x) {
            w->out_of_memory = w->stopped = true;
            return;
        }
        w->n_best++;
    }
    uint8_t *x = w->best[at].x;
    for (; at > 0 && better(w, value, &w->best[at - 1]); at--)
        w->best[at] = w->best[at - 1];
    memcpy(x, w->x, w->problem->n);
    w->best[at] =
        (candidate){value->violation, value->objective, {w->now.cut[0], w->now.cut[1]}, x};
}

/* The memory's peak takes a look at the whole placement: only where it can matter, and own weights
 * do not exceed the limit already. */
static void look(walk *w)
{
    cut_value value;
    price(w, &value);
    if (w->visitor) {
        w->stopped = !w->visitor(w->context, w->x, &value);
        return;
    }
    if (!wanted(w, &value))
        return;
    if (w->problem->limits.memory_bytes > 0) {
        value.memory_bytes = total(w, OWN_WEIGHT_BYTES);
        cut_combine(w->problem, &value);
        if (!wanted(w, &value))
            return;
        value.memory_bytes = cut_memory_bytes(w->problem, w->x);
        cut_combine(w->problem, &value);
        if (!wanted(w, &value))
            return;
    }
    keep(w, &value);
}

static void look_around(walk *w)
{
    const cut_options *o = w->options;
    if (w->deadline > 0 && cut_clock_s() > w->deadline)
        w->stopped = true;
    double best = w->n_best > 0 ? w->best[0].objective : INFINITY;
    if (o->progress && !o->progress(o->progress_context, "exhaustive", best, w->bound))
        w->stopped = true;
}

/* Visits every placement, or stops after w->limit of them: false. */
static bool visit(walk *w)
{
    for (;;) {
        while (w->head != KERF_NONE)
            include(w, w->head);
        if (w->examined == w->limit)
            return false;
        w->examined++;
        if (!w->count_only) {
            look(w);
            if (w->examined % LOOK_AROUND == 0)
                look_around(w);
        }
        if (w->stopped)
            return true;
        if (w->depth == 0)
            return true;
        exclude_last(w);
    }
}

static void walk_clear(walk *w)
{
    cut_dag_clear(&w->dag);
    free(w->side);
    free(w->x);
    free(w->missing);
    free(w->on_device);
    free(w->on_server);
    free(w->bundled);
    free(w->bundle_start);
    free(w->bundles);
    free(w->next);
    free(w->own_weights);
    free(w->frames);
    for (size_t i = 0; i < w->n_best; i++)
        free(w->best[i].x);
    free(w->best);
}

static bool walk_allocate(walk *w)
{
    const cut_problem *p = w->problem;
    size_t bundled = 0;
    for (size_t b = 0; b < p->n_bundles; b++)
        bundled += p->bundles[b].n;
    w->bundled = kerf_calloc(p->n_bundles, sizeof *w->bundled);
    w->bundle_start = kerf_calloc(p->n + 1, sizeof *w->bundle_start);
    w->bundles = kerf_calloc(bundled, sizeof *w->bundles);
    w->side = kerf_calloc(p->n, 1);
    w->x = kerf_calloc(p->n, 1);
    w->missing = kerf_calloc(p->n, sizeof *w->missing);
    w->on_device = kerf_calloc(p->n_groups, sizeof *w->on_device);
    w->on_server = kerf_calloc(p->n_tensors, sizeof *w->on_server);
    w->next = kerf_calloc(p->n, sizeof *w->next);
    w->own_weights = kerf_calloc(p->n, sizeof *w->own_weights);
    w->frames = kerf_calloc(p->n, sizeof *w->frames);
    w->best = kerf_calloc(w->top, sizeof *w->best);
    return w->side && w->x && w->missing && w->on_device && w->on_server && w->next &&
           w->own_weights && w->frames && w->best && w->bundled && w->bundle_start && w->bundles;
}

static kerf_status walk_create(walk *w, kerf_error *err)
{
    kerf_status status = cut_dag_create(w->problem, &w->dag, err);
    if (status != KERF_OK)
        return status;
    if (!walk_allocate(w))
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", w->problem->n);
    status = cut_dag_force(w->problem, &w->dag, w->side, err);
    if (status != KERF_OK)
        return status;
    start(w);
    for (size_t v = 0; v < w->problem->n; v++)
        if (w->side[v] == KERF_SIDE_DEVICE)
            put_on_device(w, v);
    return KERF_OK;
}

/* Moves the answer out of the walk. */
static kerf_status finish(walk *w, cut_solution *solution, kerf_error *err)
{
    if (w->n_best == 0 && w->stopped && !w->out_of_memory)
        return kerf_fail(err, KERF_E_TIME_LIMIT, NULL,
                         "none of the first %zu placements keeps every limit", w->examined);
    if (w->n_best == 0 && !w->out_of_memory)
        return kerf_fail(err, KERF_E_INFEASIBLE, "limits",
                         "none of the %zu placements keeps every limit", w->examined);
    uint8_t **others = kerf_calloc(w->n_best, sizeof *others);
    if (w->out_of_memory || !others) {
        free(others);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu cuts", w->n_best);
    }
    cut_value value;
    cut_evaluate(w->problem, w->best[0].x, &value);
    *solution = (cut_solution){.x = w->best[0].x,
                               .examined = w->examined,
                               .solver = KERF_SOLVER_EXHAUSTIVE,
                               .others = others,
                               .n_others = w->n_best - 1};
    double least = w->options->minimise_violation ? value.violation : value.objective;
    cut_solution_prove(solution, least, w->stopped ? w->bound : least);
    for (size_t i = 1; i < w->n_best; i++)
        others[i - 1] = w->best[i].x;
    for (size_t i = 0; i < w->n_best; i++)
        w->best[i].x = NULL;
    return KERF_OK;
}

/* A walk that may be stopped is to say how far off its answer can be: minimum cuts tell what cannot
 * be undercut even without limits. They are soon found. */
static kerf_status find_bound(walk *w, kerf_error *err)
{
    const cut_options *o = w->options;
    cut_problem free_problem = *w->problem;
    free_problem.limits = (kerf_limits){.deadline_s = 0};
    if ((o->time_limit_s <= 0 && !o->progress) || o->minimise_violation ||
        !cut_mincut_can(&free_problem))
        return KERF_OK;
    cut_solution least = {.x = NULL};
    kerf_error local = {.code = KERF_OK};
    const kerf_status status = cut_solve_mincut(&free_problem, o, &least, &local);
    if (status == KERF_OK)
        w->bound = least.bound;
    cut_solution_clear(&least);
    if (status == KERF_E_NOMEM && err)
        *err = local;
    return status == KERF_E_NOMEM ? status : KERF_OK;
}

kerf_status cut_solve_exhaustive(const cut_problem *problem, const cut_options *options,
                                 cut_solution *solution, kerf_error *err)
{
    static const cut_options none = {.top = 0};
    walk w = {.problem = problem, .options = options ? options : &none};
    w.limit = w.options->max_ideals > 0 ? w.options->max_ideals : CUT_MAX_IDEALS;
    w.top = w.options->top > 0 ? w.options->top : 1;
    w.top = w.top < w.limit ? w.top : w.limit;
    if (w.options->time_limit_s > 0)
        w.deadline = cut_clock_s() + w.options->time_limit_s;
    kerf_status status = walk_create(&w, err);
    if (status == KERF_OK)
        status = find_bound(&w, err);
    if (status == KERF_OK)
        status = visit(&w) ? finish(&w, solution, err)
                           : kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                                       "more than %zu placements, the limit of complete "
                                       "enumeration: use the solver mincut (no limits) or milp",
                                       w.limit);
    walk_clear(&w);
    return status;
}

kerf_status cut_count_ideals(const cut_problem *problem, size_t limit, size_t *count,
                             kerf_error *err)
{
    static const cut_options none = {.top = 0};
    walk w = {.problem = problem, .options = &none, .limit = limit, .count_only = true};
    kerf_status status = walk_create(&w, err);
    if (status == KERF_OK)
        *count = visit(&w) ? w.examined : limit + 1;
    walk_clear(&w);
    return status;
}

kerf_status cut_visit_placements(const cut_problem *problem, const cut_options *options,
                                 cut_visitor *visitor, void *context, bool *ended, kerf_error *err)
{
    static const cut_options none = {.top = 0};
    walk w = {.problem = problem,
              .options = options ? options : &none,
              .visitor = visitor,
              .context = context};
    w.limit = w.options->max_ideals > 0 ? w.options->max_ideals : CUT_MAX_IDEALS;
    if (w.options->time_limit_s > 0)
        w.deadline = cut_clock_s() + w.options->time_limit_s;
    kerf_status status = walk_create(&w, err);
    if (status == KERF_OK && !visit(&w))
        status = kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                           "more than %zu placements, the limit of complete enumeration", w.limit);
    *ended = w.stopped;
    walk_clear(&w);
    return status;
}
