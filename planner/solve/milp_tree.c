#include "planner/solve/milp_tree.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)1 << 32) /* of the open nodes' sides together */

static bool before(const milp_node *a, const milp_node *b)
{
    if (a->at.bound < b->at.bound || b->at.bound < a->at.bound)
        return a->at.bound < b->at.bound;
    return a->number > b->number;
}

static void sift_up(milp_tree *tree, size_t i)
{
    milp_node node = tree->nodes[i];
    for (; i > 0 && before(&node, &tree->nodes[(i - 1) / 2]); i = (i - 1) / 2)
        tree->nodes[i] = tree->nodes[(i - 1) / 2];
    tree->nodes[i] = node;
}

static void sift_down(milp_tree *tree, size_t i)
{
    milp_node node = tree->nodes[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < tree->n && before(&tree->nodes[child + 1], &tree->nodes[child]))
            child++;
        if (child >= tree->n || !before(&tree->nodes[child], &node))
            break;
        tree->nodes[i] = tree->nodes[child];
        i = child;
    }
    tree->nodes[i] = node;
}

static milp_node *add_copy(milp_tree *tree, const milp_node *node, kerf_error *err)
{
    size_t n = tree->problem->n, most = MOST_BYTES / (n + sizeof *node);
    uint8_t *side = kerf_calloc(n, 1);
    if (!side ||
        kerf_reserve(&tree->nodes, &tree->capacity, tree->n + 1, most, sizeof *tree->nodes) != 0) {
        free(side);
        kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu nodes of branch and bound",
                  tree->n + 1);
        return NULL;
    }
    memcpy(side, node->side, n);
    milp_node *copy = &tree->nodes[tree->n++];
    *copy = *node;
    copy->side = side;
    copy->number = tree->made++;
    return copy;
}

kerf_status milp_tree_start(milp_tree *tree, const cut_problem *problem, const cut_dag *dag,
                            const uint8_t *side, kerf_error *err)
{
    uint8_t *own = kerf_calloc(problem->n, 1);
    if (!own)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", problem->n);
    *tree = (milp_tree){.problem = problem, .dag = dag};
    memcpy(own, side, problem->n);
    milp_node root = {.side = own};
    kerf_status status = add_copy(tree, &root, err) ? KERF_OK : KERF_E_NOMEM;
    free(own);
    return status;
}

void milp_tree_clear(milp_tree *tree)
{
    for (size_t i = 0; i < tree->n; i++)
        free(tree->nodes[i].side);
    free(tree->nodes);
    *tree = (milp_tree){.n = 0};
}

bool milp_tree_take(milp_tree *tree, milp_node *node)
{
    if (tree->n == 0)
        return false;
    *node = tree->nodes[0];
    tree->nodes[0] = tree->nodes[--tree->n];
    if (tree->n > 0)
        sift_down(tree, 0);
    return true;
}

bool milp_tree_take_newest(milp_tree *tree, milp_node *node)
{
    size_t newest = 0;
    for (size_t i = 1; i < tree->n; i++)
        if (tree->nodes[i].number > tree->nodes[newest].number)
            newest = i;
    if (tree->n == 0)
        return false;
    *node = tree->nodes[newest];
    tree->nodes[newest] = tree->nodes[--tree->n];
    if (newest < tree->n) {
        sift_up(tree, newest);
        sift_down(tree, newest);
    }
    return true;
}

double milp_tree_bound(const milp_tree *tree)
{
    return tree->n > 0 ? tree->nodes[0].at.bound : INFINITY;
}

/* What feeds an operator on the device is there too; what depends on one on the server as well. */
static void imply(const milp_tree *tree, uint8_t *side)
{
    const cut_dag *dag = tree->dag;
    const cut_tensor *tensors = tree->problem->tensors;
    for (size_t v = tree->problem->n; v-- > 0;)
        for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1]; i++) {
            size_t u = tensors[dag->read[i]].producer;
            if (u != CUT_SOURCE && side[v] == KERF_SIDE_DEVICE)
                side[u] = KERF_SIDE_DEVICE;
        }
    for (size_t v = 0; v < tree->problem->n; v++)
        for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1]; i++) {
            size_t u = tensors[dag->read[i]].producer;
            if (u != CUT_SOURCE && side[u] == KERF_SIDE_SERVER)
                side[v] = KERF_SIDE_SERVER;
        }
}

kerf_status milp_tree_put(milp_tree *tree, const milp_node *node, kerf_error *err)
{
    milp_node *copy = add_copy(tree, node, err);
    if (!copy)
        return KERF_E_NOMEM;
    copy->depth++;
    sift_up(tree, tree->n - 1);
    return KERF_OK;
}

kerf_status milp_tree_split(milp_tree *tree, const milp_node *node, size_t v, bool server_first,
                            kerf_error *err)
{
    for (int i = 0; i < 2; i++) { /* the newer one is taken first */
        milp_node *child = add_copy(tree, node, err);
        if (!child)
            return KERF_E_NOMEM;
        child->depth++;
        child->side[v] = server_first == (i == 1) ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
        imply(tree, child->side);
        sift_up(tree, tree->n - 1);
    }
    return KERF_OK;
}
