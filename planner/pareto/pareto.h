/* Finding a Pareto front: placements of all choices that are not beaten in device energy, latency
 * and accuracy, and what proves it. */
#ifndef KERF_PLANNER_PARETO_H
#define KERF_PLANNER_PARETO_H

#include "kerf/pareto.h"
#include "planner/choice.h"
#include "planner/solve/solve.h"

#define PARETO_SAME KERF_FRONT_SAME
/* How far below a latency (relative) the next point is looked for: above what solvers let a limit
 * be exceeded by (CUT_LIMIT_TOLERANCE), and less than counts as a difference. */
#define PARETO_STEP 5e-9

typedef struct pareto_point {
    size_t choice;
    uint8_t *x; /* owned */
    double energy_J, latency_s;
    size_t device_operators;
} pareto_point;

/* Points of one accuracy, ascending in energy and descending in latency: none beats another. */
typedef struct pareto_level {
    double accuracy; /* -1: not known */
    pareto_point *points;
    size_t n, capacity;
} pareto_level;

typedef struct pareto_archive {
    pareto_level *levels; /* the most accurate first */
    size_t n, capacity;
} pareto_archive;

/* Takes a placement with its value in, unless one of the same accuracy is as good, or the same with
 * more operators on the device. False: out of memory. */
bool pareto_offer(pareto_archive *archive, size_t choice, size_t n_operators, const uint8_t *x,
                  const cut_value *value);
/* The least latency among those at least as accurate and with at most that energy. */
double pareto_least_latency(const pareto_archive *archive, double accuracy, double energy_J);
/* The least energy among those at least as accurate and with at most that latency. */
double pareto_least_energy(const pareto_archive *archive, double accuracy, double latency_s);
/* Drops what a more accurate point beats. */
void pareto_reduce(pareto_archive *archive);
void pareto_archive_clear(pareto_archive *archive);

/* What is known of all placements of a choice: of each, with energy E and latency T,
 *     line: energy * E + latency * T >= bound
 *     box:  T > latency or E >= bound */
typedef struct pareto_fact {
    bool is_line;
    double energy, latency, bound;
} pareto_fact;

typedef struct pareto_facts {
    pareto_fact *list;
    size_t n, capacity;
    bool complete;   /* all its points are in the archive, or beaten by others there */
    bool enumerated; /* by looking at each */
    bool begun;      /* all on the device was offered */
} pareto_facts;

typedef struct pareto_search {
    const cut_choices *choices;
    kerf_solver solver;
    cut_options options; /* deadline_s and progress count */
    pareto_archive archive;
    pareto_facts *facts; /* by choice */
    size_t examined;
    bool stopped, out_of_memory;
    size_t at; /* the choice at hand */
} pareto_search;

/* Fills archive and facts until they are complete, or time is up. Release with
 * pareto_search_clear, also after an error. */
kerf_status pareto_find(pareto_search *search, kerf_error *err);
void pareto_search_clear(pareto_search *search);

/* Whether the facts exclude that a placement of the choice beats a point; which kind does. */
bool pareto_is_unbeaten(const pareto_facts *facts, double energy_J, double latency_s,
                        kerf_solver *by);

#endif
