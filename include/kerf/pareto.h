/* The Pareto front: every trade between device energy, latency and accuracy that is worth a look.
 *
 *     kerf_front *front = NULL;
 *     if (kerf_pareto_make(&question, &front, &err) == KERF_OK) {
 *         for (size_t i = 0; i < front->n; i++)
 *             printf("%g J, %g s\n", front->points[i].plan.cost.device_energy_J,
 *                    front->points[i].plan.cost.latency_s);
 *         kerf_pareto_destroy(&front);
 *     }
 *
 * A point is on the front if no placement, in any combination of power mode, encoding and variant
 * that may be chosen, is at least as good in all three and better in one. Accuracy counts where it
 * is known and differs; one that is not known is below any that is. Figures that differ by no more
 * than KERF_FRONT_SAME are the same; of several placements with the same figures one is listed.
 */
#ifndef KERF_PARETO_H
#define KERF_PARETO_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KERF_FRONT_SAME 1e-8 /* relative */

typedef struct kerf_front_point {
    kerf_option_plan plan; /* exists and is feasible; cost.objective: the question's objective */
    char power_mode[64];
    size_t encoding, variant; /* of the question's; KERF_NONE where it lists none */
    double accuracy;          /* NAN: not known */
    char cut_id[KERF_CUT_ID_SIZE];
    /* The proof. False: no better placement was found, but it was not shown that there is none. */
    bool proven;
    /* What settled it in the point's own combination: complete enumeration; mincut, a weighted sum
     * that leaves no room for better; or milp, the least energy within a latency. */
    kerf_solver solver;
    /* Least of a weighted sum among those at least as accurate (on the lower convex hull): these
     * are the weights, per joule and per second, which add up to 1. Otherwise 0. */
    bool supported;
    double weight_energy, weight_latency;
} kerf_front_point;

typedef struct kerf_front {
    kerf_front_point *points; /* by energy, then latency */
    size_t n;
    bool by_accuracy; /* accuracy is known and differs between combinations */
    bool complete;    /* proven: nothing is missing; then every point is proven */
    size_t n_proven;
    kerf_option_plan all_device, all_server; /* in the combination of the point of least energy */
    size_t examined; /* placements, minimum cuts and branch-and-bound nodes */
    double solve_time_s;
} kerf_front;

/* Finds the front of a question; its objective is not looked at, but its limits and pins hold.
 * Solver auto enumerates where there are few placements, and else finds the supported points by
 * weighted sums (Aneja & Nair 1979) and the others as the least energy within a latency (Haimes,
 * Lasdon & Wismer 1971), by the solvers mincut and milp; exhaustive only enumerates
 * (KERF_E_TOO_LARGE), milp never does, mincut stops after the supported points, which are not all.
 * At the time limit, or if progress says so, what was found is returned, with `complete` false;
 * KERF_E_TIME_LIMIT if that is nothing. Other errors are those of kerf_plan_make. */
KERF_API kerf_status kerf_pareto_make(const kerf_question *question, kerf_front **front,
                                      kerf_error *err);
KERF_API void kerf_pareto_destroy(kerf_front **front);

#ifdef __cplusplus
}
#endif
#endif
