#include "planner/pareto/pareto.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* At most, but for rounding. */
static bool at_most(double a, double b)
{
    return a <= b * (1 + PARETO_SAME);
}

static double known(double accuracy)
{
    return isnan(accuracy) ? -1 : accuracy;
}

static pareto_level *level_of(pareto_archive *archive, double accuracy)
{
    size_t at = 0;
    while (at < archive->n && archive->levels[at].accuracy > accuracy)
        at++;
    if (at < archive->n && archive->levels[at].accuracy >= accuracy)
        return &archive->levels[at];
    if (kerf_reserve(&archive->levels, &archive->capacity, archive->n + 1, SIZE_MAX / 2,
                     sizeof *archive->levels) != 0)
        return NULL;
    memmove(&archive->levels[at + 1], &archive->levels[at],
            (archive->n - at) * sizeof *archive->levels);
    archive->n++;
    archive->levels[at] = (pareto_level){.accuracy = accuracy};
    return &archive->levels[at];
}

/* The number of points with at most that energy. */
static size_t count_cheaper(const pareto_level *level, double energy_J)
{
    size_t low = 0, high = level->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at_most(level->points[middle].energy_J, energy_J))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Replaces points [from, to) by one. */
static bool put(pareto_level *level, size_t from, size_t to, const pareto_point *point)
{
    if (kerf_reserve(&level->points, &level->capacity, level->n + 1, SIZE_MAX / 2,
                     sizeof *level->points) != 0)
        return false;
    for (size_t i = from; i < to; i++)
        free(level->points[i].x);
    memmove(&level->points[from + 1], &level->points[to], (level->n - to) * sizeof *level->points);
    level->points[from] = *point;
    level->n = level->n + 1 - (to - from);
    return true;
}

/* Whether a point takes the place of one that is as good: the same, with more on the device. */
static bool prefers(const pareto_point *now, const pareto_point *challenger)
{
    return at_most(challenger->energy_J, now->energy_J) &&
           at_most(challenger->latency_s, now->latency_s) &&
           challenger->device_operators > now->device_operators;
}

bool pareto_offer(pareto_archive *archive, size_t choice, size_t n_operators, const uint8_t *x,
                  const cut_value *value)
{
    pareto_level *level = level_of(archive, known(value->accuracy));
    if (!level)
        return false;
    pareto_point point = {choice, NULL, value->energy_J, value->latency_s, value->device_operators};
    size_t to = level->n > 0 ? count_cheaper(level, point.energy_J) : 0, from = to;
    if (to > 0 && at_most(level->points[to - 1].latency_s, point.latency_s) &&
        !prefers(&level->points[to - 1], &point))
        return true;
    while (from > 0 && at_most(point.energy_J, level->points[from - 1].energy_J) &&
           at_most(point.latency_s, level->points[from - 1].latency_s))
        from--;
    while (to < level->n && at_most(point.latency_s, level->points[to].latency_s))
        to++;
    point.x = kerf_calloc(n_operators, 1);
    if (!point.x)
        return false;
    memcpy(point.x, x, n_operators);
    if (put(level, from, to, &point))
        return true;
    free(point.x);
    return false;
}

double pareto_least_latency(const pareto_archive *archive, double accuracy, double energy_J)
{
    double least = INFINITY;
    for (size_t i = 0; i < archive->n && archive->levels[i].accuracy >= known(accuracy); i++) {
        const pareto_level *level = &archive->levels[i];
        size_t n = count_cheaper(level, energy_J);
        if (n > 0)
            least = fmin(least, level->points[n - 1].latency_s);
    }
    return least;
}

double pareto_least_energy(const pareto_archive *archive, double accuracy, double latency_s)
{
    double least = INFINITY;
    for (size_t i = 0; i < archive->n && archive->levels[i].accuracy >= known(accuracy); i++)
        for (size_t k = 0; k < archive->levels[i].n; k++) {
            const pareto_point *p = &archive->levels[i].points[k];
            if (p->latency_s <= latency_s)
                least = fmin(least, p->energy_J);
        }
    return least;
}

/* True if a level that is more accurate has a point as good. */
static bool is_beaten(const pareto_archive *archive, size_t level, const pareto_point *point)
{
    for (size_t i = 0; i < level; i++) {
        const pareto_level *other = &archive->levels[i];
        size_t n = count_cheaper(other, point->energy_J);
        if (n > 0 && at_most(other->points[n - 1].latency_s, point->latency_s))
            return true;
    }
    return false;
}

void pareto_reduce(pareto_archive *archive)
{
    for (size_t i = 1; i < archive->n; i++) {
        pareto_level *level = &archive->levels[i];
        size_t n = 0;
        for (size_t k = 0; k < level->n; k++)
            if (is_beaten(archive, i, &level->points[k]))
                free(level->points[k].x);
            else
                level->points[n++] = level->points[k];
        level->n = n;
    }
}

void pareto_archive_clear(pareto_archive *archive)
{
    for (size_t i = 0; i < archive->n; i++) {
        for (size_t k = 0; k < archive->levels[i].n; k++)
            free(archive->levels[i].points[k].x);
        free(archive->levels[i].points);
    }
    free(archive->levels);
    *archive = (pareto_archive){.n = 0};
}
