#include "planner/tiers_search.h"
#include "base/error.h"
kerf_status tier_solve_milp(const tier_problem *problem, const cut_options *options,
                            cut_solution *solution, kerf_error *err)
{
    (void)problem;(void)options;(void)solution;
    return kerf_fail(err, KERF_E_UNSUPPORTED, NULL, "x");
}
