/* The inside of a cut_graph: its nodes and arcs, and where each cost is paid. Only cutgraph.c,
 * which prices it, and cutgraph_shape.c, which lays it out, know it. */
#ifndef KERF_PLANNER_SOLVE_CUTGRAPH_SHAPE_H
#define KERF_PLANNER_SOLVE_CUTGRAPH_SHAPE_H

#include "planner/solve/cutgraph.h"
#include "planner/solve/reduce.h"

#define CUT_NO_NODE UINT32_MAX
#define DEVICE_END  0 /* see node_bytes */
#define SERVER_END  1

/* Where it is paid that a tensor crosses, or that a weight is held. */
typedef enum payment_kind { NEVER, ALWAYS, AT_DEVICE_END, AT_SERVER_END, ON_ARC } payment_kind;
typedef struct payment {
    payment_kind kind;
    uint32_t index; /* of the node or the arc */
} payment;

struct cut_graph {
    const cut_problem *problem;
    uint8_t *side;
    bool closed;
    bool surcharged;         /* crossings and weights may have surcharges */
    payment *paid, *held_at; /* then: by tensor, by weight */
    uint32_t *node;          /* by operator; CUT_NO_NODE where it is forced */
    size_t n_nodes, node_capacity;
    double *node_bytes[2]; /* by node: bytes that cross up if it is on the device, on the server */
    double *node_down;     /* by node: bytes that come back if it is on the server */
    double fixed_up, fixed_down; /* bytes that cross in any case */
    maxflow_arc *arcs;           /* forward or backward INFINITY where no placement pays it */
    double *arc_bytes;
    bool codec; /* some tensor costs more than its bytes; the same again, for those costs: */
    cut_cost *node_codec[2], *arc_codec, fixed_codec;
    size_t n_arcs, arc_capacity;
    uint32_t *group_arc;   /* by group: the first of the arcs between its free operators */
    uint32_t *bundle_node; /* by bundle: what pays for it, CUT_NO_NODE if nothing does */
    bool *bundle_fixed;    /* it is together in any case */
    uint32_t part_node[2]; /* the auxiliary node of a side's constant */
    bool part_fixed[2];
    double *cost[2]; /* scratch: cost of each node on the device, on the server */
    double *priced;  /* scratch: forward capacity of each arc */
    uint8_t *on_server;
    reduction *reduced;
    size_t *stack; /* scratch of last_depends_on_all */
    uint32_t *seen;
    uint32_t stamp;
};

/* Sets the numbers of nodes and arcs that there is room for. */
void cut_graph_count_room(cut_graph *graph);

/* False where memory ends; what there is belongs to the graph. */
bool cut_graph_allocate(cut_graph *graph);

/* Lays out nodes and arcs, `side` being filled: that room suffices, so it cannot fail. */
void cut_graph_lay_out(cut_graph *graph, const cut_dag *dag);

static inline bool cut_graph_is_free(const cut_graph *graph, size_t v)
{
    return graph->side[v] == KERF_SIDE_FREE;
}

/* The members of a group that are free: [*low, *high). Those before are forced to the device,
 * those after to the server. */
void cut_graph_free_members(const cut_graph *graph, const cut_group *group, size_t *low,
                            size_t *high);

#endif
