/* The plan as JSON: the keys are an outside contract (configs/schema/plan.json).
 *
 * A document is written at once, or in two steps: a template with all that depends on the placement
 * alone, made once, and then, for each link and load, the figures that go into its gaps.
 */
#ifndef KERF_PLANNER_PLAN_JSON_H
#define KERF_PLANNER_PLAN_JSON_H

#include "base/json_write.h"
#include "kerf/plan.h"

/* What depends on the conditions. X(enumerator) */
#define PLAN_FIGURE_LIST(X)                                                                        \
    X(OBJECTIVE)                                                                                   \
    X(BOUND)                                                                                       \
    X(GAP)                                                                                         \
    X(ENERGY)                                                                                      \
    X(LATENCY)                                                                                     \
    X(THROUGHPUT)                                                                                  \
    X(COMPUTE_J)                                                                                   \
    X(UPLINK_J)                                                                                    \
    X(WAIT_J)                                                                                      \
    X(DOWNLINK_J)                                                                                  \
    X(RADIO_FIXED_J)                                                                               \
    X(DEVICE_S)                                                                                    \
    X(UPLINK_S)                                                                                    \
    X(SERVER_S)                                                                                    \
    X(DOWNLINK_S)                                                                                  \
    X(SERVER_ENERGY)                                                                               \
    X(ALL_DEVICE_ENERGY)                                                                           \
    X(ALL_DEVICE_LATENCY)                                                                          \
    X(ALL_DEVICE_THROUGHPUT)                                                                       \
    X(ALL_DEVICE_OBJECTIVE)                                                                        \
    X(ALL_SERVER_ENERGY)                                                                           \
    X(ALL_SERVER_LATENCY)                                                                          \
    X(ALL_SERVER_THROUGHPUT)                                                                       \
    X(ALL_SERVER_OBJECTIVE)                                                                        \
    X(BELOW)                                                                                       \
    X(ABOVE)                                                                                       \
    X(SOLVE_TIME)

typedef enum plan_figure {
#define PLAN_FIGURE_ENUM(name) PLAN_##name,
    PLAN_FIGURE_LIST(PLAN_FIGURE_ENUM)
#undef PLAN_FIGURE_ENUM
        PLAN_FIGURES
} plan_figure;

typedef struct plan_variables {
    double number[PLAN_FIGURES];
    const char *link; /* the link's name */
    bool optimal;
    bool all_device_feasible, all_server_feasible;
    const char *const *binding;
    size_t n_binding;
} plan_variables;

void plan_variables_of(const kerf_question *question, const kerf_plan *plan,
                       plan_variables *variables);

/* How much is written: what is to be done and what it costs; why as well (compare, binding,
 * break_even); and other cuts too. */
typedef enum plan_extent { PLAN_BRIEF, PLAN_EXPLAINED, PLAN_WITH_OTHERS } plan_extent;

/* Writes the document. */
void plan_json_write(kerf_writer *w, const kerf_question *question, const kerf_plan *plan,
                     plan_extent extent);

/* The document of a question without a feasible answer. */
void plan_json_write_infeasible(kerf_writer *w, const kerf_question *question,
                                const kerf_error *err);

/* A plan's document without its variables. */
typedef struct plan_template plan_template;
kerf_status plan_template_make(const kerf_question *question, const kerf_plan *plan,
                               plan_extent extent, plan_template **made);
void plan_template_destroy(plan_template **made);
size_t plan_template_bytes(const plan_template *made); /* memory that it takes */
void plan_template_write(const plan_template *made, const plan_variables *variables,
                         kerf_writer *w);

/* "power_mode", "encoding", "variant". */
const char *plan_dimension_name(kerf_dimension by);

#endif
