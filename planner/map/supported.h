/* Placements of networks that have too many to look at them all. */
#ifndef KERF_PLANNER_SUPPORTED_H
#define KERF_PLANNER_SUPPORTED_H

#include "planner/map/front.h"
#include "planner/solve/solve.h"

typedef struct supported_search {
    const cut_problem *problem;
    double load; /* that the problem's server times hold */
    const kerf_map_box *box;
    const cut_options *options;
    bool (*stopped)(void *context);
    void *context;
    front *front; /* takes the placements */
} supported_search;

/* For objectives that are sums, and edp, without limits: offers every placement that is best under
 * some prices of a second on the server and of a byte each way, among all prices that the box can
 * make. These are all that can be best in the box: if x is best under some conditions, let every
 * byte cost what one more than x's would there; link costs being concave in the bytes, no placement
 * is then dearer by less than before, so x is best under these prices too. For edp, prices also
 * weigh energy against latency, as the product is quasi-concave in both. By minimum cuts at the
 * vertices of the envelope (planner/vertices.h), in each family of planner/solve/family.h.
 * KERF_E_TOO_LARGE, KERF_E_UNSUPPORTED (groups that a minimum cut cannot express),
 * KERF_E_TIME_LIMIT, KERF_E_NOMEM. */
kerf_status supported_find(const supported_search *search, kerf_error *err);

/* For throughput, where only the uplink rate varies, with limits that no condition changes: offers
 * what is best at each rate, found by asking a solver at single rates.
 *
 * Let F(p) be the slowest stage of the best placement when a byte takes p seconds. Each placement's
 * is max(M, p U): so F does not fall, and F(p) / p does not rise. Between rates a < b where F is
 * known, F(p) >= max(F(a), F(b) p / b), and the two are equal at p* = b F(a) / F(b). If a placement
 * x has max(M, p* U) <= F(a), then M <= F(a) and U <= F(b) / b: it is best all the way from a to b.
 * Otherwise the solver is asked between them, where what is known so far is furthest above that
 * bound. Each answer closes an interval or is new, and there are finitely many. */
kerf_status bottleneck_find(const supported_search *search, kerf_error *err);

#endif
