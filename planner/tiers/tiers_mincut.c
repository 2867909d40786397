/* Exact three-tier optima by minimum cuts.
 *
 * A node of the search (tiers_search.h) is bounded by one minimum cut (tiers_graph.h): chords for
 * the four transfers, submodular bounds for the edge's parts of fused groups. The cut's own
 * placement x costs what the bound says plus what each of these leaves out at x; as long as that
 * is too much, the node is split where most is left out, so that it is left out no more: at x's
 * bytes (the chords of both halves end there), or by deciding x's tier of the operator at a broken
 * group's end. So no child has x below its cost, and since placements are finite, the search ends;
 * that no placement of a node is below its bound is what the two headers say of their terms. */
#include "base/error.h"
#include "planner/tiers/tiers_graph.h"

#include <math.h>

/* What is left out, largest first: one of these. */
typedef struct blame {
    double most;
    tier_transfer transfer; /* else N_TRANSFERS */
    size_t group;           /* else KERF_NONE */
    bool edge, use;         /* the edge's constant; a link's fixed energy: split `transfer`'s use */
} blame;

static void consider_transfers(const tier_search *s, const tier_node *node, const tier_value *value,
                               blame *b)
{
    for (int i = 0; i < N_TRANSFERS; i++) {
        tier_transfer t = (tier_transfer)i;
        double fixed, slope, bytes = value->bytes[i];
        if (!(bytes > node->range[i].low && bytes < node->range[i].high))
            continue;
        tier_chord(s, node, t, &fixed, &slope);
        int layer = tier_layer(t);
        double cost = tier_transfer_cost(s->problem, &s->weights, t, bytes);
        if (!tier_fixed_is_paid(node, layer) && tier_fixed_carrier(node, layer) == t)
            cost += tier_fixed_cost(s->problem, &s->weights, layer);
        double missing = cost - fixed - slope * bytes;
        if (missing > b->most)
            *b = (blame){missing, t, KERF_NONE, false, false};
    }
}

/* The fixed energy goes with the bytes up; where only a result comes down it is left out. */
static void consider_fixed(const tier_search *s, const tier_node *node, const tier_value *value,
                           blame *b)
{
    for (int layer = 1; layer <= 2; layer++) {
        tier_transfer up = layer == 1 ? UP1 : UP2, down = layer == 1 ? DOWN1 : DOWN2;
        double fixed = tier_fixed_cost(s->problem, &s->weights, layer);
        if (fixed > b->most && !tier_fixed_is_paid(node, layer) && node->range[up].high > 0 &&
            value->bytes[up] <= 0 && value->bytes[down] > 0)
            *b = (blame){fixed, up, KERF_NONE, false, true};
    }
}

static void consider_edge(const tier_search *s, const tier_node *node, const tier_value *value,
                          blame *b)
{
    const tier_problem *p = s->problem;
    double cost = cut_server_price(p->first, &s->weights) * p->edge_part.s +
                  s->weights.server * p->edge_part.J;
    if (cost > b->most && node->edge == EDGE_OPEN && value->edge_operators > 0)
        *b = (blame){cost, N_TRANSFERS, KERF_NONE, true, false};
}

static kerf_status split_group(tier_search *s, const tier_node *node, size_t index, kerf_error *err)
{
    const cut_group *group = &s->problem->first->groups[index];
    size_t j = 0;
    while (j < group->n && s->x[group->operators[j]] < 2)
        j++;
    /* Where operator j is in the cloud for certain, a group broken before it costs what it should:
     * j is not, or else nothing would be left out. */
    size_t v = group->operators[j];
    return tier_split_operator(s, node, v, s->x[v], err);
}

static kerf_status expand(tier_search *s, tier_node *node, kerf_error *err)
{
    tier_graph *graph = s->solver;
    tier_value value;
    blame b = {0, N_TRANSFERS, KERF_NONE, false, false};
    double bound = tier_graph_solve(graph, s, node, 4 * s->goal_best, s->x);
    node->bound = fmax(node->bound, bound);
    tier_examine(s, s->x, &value);
    if (!tier_worth(s, node->bound))
        return KERF_OK;
    consider_transfers(s, node, &value, &b);
    consider_fixed(s, node, &value, &b);
    consider_edge(s, node, &value, &b);
    for (size_t i = 0; i < s->problem->first->n_groups; i++) {
        double missing = tier_graph_missing(graph, i, s->x);
        if (missing > b.most)
            b = (blame){missing, N_TRANSFERS, i, false, false};
    }
    kerf_status status = KERF_OK;
    if (b.use)
        status = tier_split_use(s, node, b.transfer, err);
    else if (b.transfer != N_TRANSFERS)
        status = tier_split_bytes(s, node, b.transfer, value.bytes[b.transfer], err);
    else if (b.edge)
        status = tier_split_edge(s, node, err);
    else if (b.group != KERF_NONE)
        status = split_group(s, node, b.group, err);
    else
        return KERF_OK;
    node->bound = INFINITY;
    return status;
}

static kerf_status check_question(const cut_problem *p, const cut_options *options, kerf_error *err)
{
    if (p->objective == KERF_OBJ_THROUGHPUT)
        return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                         "the solver mincut cannot optimise throughput, which is a bottleneck and "
                         "not a sum: use exhaustive or milp");
    if (cut_has_limits(p) || (options && options->minimise_violation))
        return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                         "the solver mincut cannot keep limits (deadline, energy, memory, bytes, "
                         "operators): use exhaustive or milp");
    return KERF_OK;
}

kerf_status tier_solve_mincut(const tier_problem *problem, const cut_options *options,
                              cut_solution *solution, kerf_error *err)
{
    tier_search search = {.name = "mincut", .expand = expand};
    tier_graph *graph = NULL;
    kerf_status status = check_question(problem->first, options, err);
    if (status != KERF_OK)
        return status;
    status = tier_search_start(&search, problem, options, err);
    if (status == KERF_OK)
        status = tier_graph_create(problem, &search.dag, &graph, err);
    search.solver = graph;
    if (status == KERF_OK)
        status = tier_search_run(&search, KERF_SOLVER_MINCUT, solution, err);
    tier_graph_destroy(&graph);
    tier_search_clear(&search);
    return status;
}
