#include "planner/map/front.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define SAME 1e-13 /* relative: differences that may be rounding */

static void set_keys(const cut_problem *problem, const kerf_map_box *box, front *f)
{
    front_keys *k = &f->keys;
    double low[CUT_AXES], high[CUT_AXES];
    cut_box_hardship(box, low, high);
    cut_outlook_hard(&k->field, low, &k->easiest);
    const bool rtt = high[CUT_RTT] > low[CUT_RTT];
    k->varies[CUT_UP] = rtt || high[CUT_UP] > low[CUT_UP];
    k->varies[CUT_DOWN] = rtt || high[CUT_DOWN] > low[CUT_DOWN];
    k->varies[CUT_LOAD] = high[CUT_LOAD] > low[CUT_LOAD];
    const bool product = problem->objective == KERF_OBJ_EDP;
    k->objective = !product;
    k->energy = product || problem->limits.energy_J > 0;
    k->latency = product || problem->limits.deadline_s > 0;
    f->n_keys = (size_t)k->objective + k->energy + k->latency + k->varies[CUT_UP] +
                k->varies[CUT_DOWN] + k->varies[CUT_LOAD];
}

kerf_status front_create(const cut_problem *problem, size_t choice, double load,
                         const kerf_map_box *box, front *f, kerf_error *err)
{
    *f = (front){.problem = problem, .choice = choice, .load = load};
    const kerf_status status = cut_field_create(problem, 1, &f->keys.field, err);
    if (status == KERF_OK)
        set_keys(problem, box, f);
    return status;
}

void front_clear(front *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->list[i].x);
    free(f->list);
    free(f->key);
    cut_field_clear(&f->keys.field);
    *f = (front){0};
}

/* Energy and latency are sums of what is fixed and of terms that do not decrease in what is sent
 * each way and in the server's time; the slowest stage is the larger of such. So whoever has less
 * of every key is no dearer anywhere in the box. */
static void keys_of(front *f, const cut_value *totals, double *key)
{
    front_keys *k = &f->keys;
    k->field.n = 0;
    cut_field_add(&k->field, totals, f->problem->wait_W);
    cut_terms *t = &k->field.terms[0];
    const double sent[] = {t->sent[KERF_UPLINK], t->sent[KERF_DOWNLINK]}, server_s = t->server_s;
    size_t n = 0;
    for (int axis = 0; axis < CUT_AXES; axis++) {
        if (!k->varies[axis])
            continue;
        key[n++] = axis == CUT_LOAD ? server_s : sent[axis == CUT_UP ? KERF_UPLINK : KERF_DOWNLINK];
        if (axis == CUT_LOAD)
            t->server_s = 0;
        else
            t->sent[axis == CUT_UP ? KERF_UPLINK : KERF_DOWNLINK] = 0;
    }
    cut_worth worth;
    cut_worth_at(&k->field, 0, &k->easiest, &worth);
    if (k->objective)
        key[n++] = worth.objective;
    if (k->energy)
        key[n++] = worth.energy_J;
    if (k->latency)
        key[n++] = worth.latency_s;
}

/* No key of a is larger than b's, but for rounding. */
static bool covers(const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] > b[i] * (1 + SAME))
            return false;
    return true;
}

/* Of two that cover each other: whether the second one takes the place of the first. */
static bool prefers(const cut_value *now, const cut_value *challenger)
{
    return challenger->device_operators > now->device_operators;
}

static bool is_covered(front *f, const double *key, const cut_value *value)
{
    for (size_t i = 0; i < f->n; i++) {
        const size_t at = i == 0 ? f->last : i <= f->last ? i - 1 : i;
        if (covers(f->key[at], key, f->n_keys) &&
            (!covers(key, f->key[at], f->n_keys) || !prefers(&f->list[at].totals, value))) {
            f->last = at;
            return true;
        }
    }
    return false;
}

static void drop_covered(front *f, const double *key)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++) {
        if (covers(key, f->key[i], f->n_keys)) {
            free(f->list[i].x);
            continue;
        }
        f->list[n] = f->list[i];
        memcpy(f->key[n++], f->key[i], sizeof *f->key);
    }
    f->n = n;
    f->last = 0;
}

static bool keep(front *f, const uint8_t *x, const cut_value *totals, const double *key)
{
    const size_t n = f->problem->n;
    uint8_t *copy = kerf_calloc(n, 1);
    if (!copy ||
        kerf_reserve(&f->list, &f->cap_list, f->n + 1, SIZE_MAX / 2, sizeof *f->list) != 0 ||
        kerf_reserve(&f->key, &f->cap_key, f->n + 1, SIZE_MAX / 2, sizeof *f->key) != 0) {
        free(copy);
        f->out_of_memory = true;
        return false;
    }
    memcpy(copy, x, n);
    f->list[f->n] = (cut_candidate){.choice = f->choice, .x = copy, .totals = *totals};
    memcpy(f->key[f->n++], key, f->n_keys * sizeof *key);
    return true;
}

bool front_offer(front *f, const uint8_t *x, const cut_value *value)
{
    f->examined++;
    if (value->violation > 0)
        return true;
    cut_value totals = *value;
    totals.server_s *= 1 - f->load;
    double key[FRONT_MOST_KEYS] = {0};
    keys_of(f, &totals, key);
    if (is_covered(f, key, &totals))
        return true;
    totals.memory_bytes = cut_memory_bytes(f->problem, x);
    if (f->problem->limits.memory_bytes > 0) {
        cut_value limited = totals;
        cut_combine(f->problem, &limited);
        if (limited.violation > 0)
            return true;
    }
    drop_covered(f, key);
    return keep(f, x, &totals, key);
}
