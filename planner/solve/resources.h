/* What limits speak of, and the stages of a pipeline: figures that placements take of, each of
 * which a price can be put on. */
#ifndef KERF_PLANNER_SOLVE_RESOURCES_H
#define KERF_PLANNER_SOLVE_RESOURCES_H

#include "planner/solve/memory.h"

#define MOST_RESOURCES 40

typedef enum resource_kind {
    RESOURCE_STAGE, /* index: which; in seconds */
    /* the others as relative excess over their limit: -1 for nothing, 0 for just the limit */
    RESOURCE_LATENCY,
    RESOURCE_ENERGY,
    RESOURCE_BYTES,
    RESOURCE_OPERATORS, /* on the device: their lack */
    RESOURCE_STEP       /* index: memory held at that step of the schedule */
} resource_kind;

typedef struct resource {
    resource_kind kind;
    size_t index;
    double limit;
} resource;

typedef struct resource_list {
    resource of[MOST_RESOURCES];
    size_t n;
} resource_list;

/* The stages or none, and every limit but the memory's, whose steps are added when they matter. */
void resources_start(resource_list *list, const cut_problem *problem, bool stages);

/* False if the step is there already or there is no room. */
bool resources_add_step(resource_list *list, const cut_problem *problem, size_t step);

/* What a placement takes. profile: see cut_memory_profile; NULL where no step is in the list. */
void resources_take(const resource_list *list, const cut_problem *problem, const cut_value *value,
                    const double *profile, double *taken);

/* More than any placement has of each figure but memory. */
void resources_most(const cut_problem *problem, cut_value *most);

/* Arrays for a mix's surcharges, of the sizes of `relaxed`. Clear in any case. KERF_E_NOMEM. */
typedef struct resource_prices {
    const cut_problem *problem;
    double *on_device, *on_server, *crossing, *held;
} resource_prices;
kerf_status resource_prices_create(resource_prices *prices, const cut_problem *relaxed,
                                   kerf_error *err);
void resource_prices_clear(resource_prices *prices);

/* Adds prices times resources to the mix, the rest to the arrays, which it points to from then on;
 * returns what is to be added to the mix's value so that it is the sum of prices times what
 * resources_take says. */
double resources_mix(const resource_list *list, const cut_memory *memory, const double *price,
                     resource_prices *arrays, cut_mix *mix);

#endif
