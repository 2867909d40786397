/* One operator, its operands and attributes, and what inference must make of it, as text:
 *
 *     {"Conv", 11, "f1x3x8x8; w4x3x3x3; w4", "pads=[1,1,1,1]", "f1x4x8x8", 4 * 64 * 27, "conv"}
 *
 * Operands are separated by ";" and begin with a letter, then the shape ("?" an unknown size, "*"
 * an unknown rank, nothing a scalar):
 *     f float32, h float16, d float64, n int64, m int32, B uint8, c int8, b bool: data
 *     w float32, q int8, Q uint8, W float16: constants whose content is not known
 *     i[1,2,?] or i(5): int64 constants, j the same of int32, t of bool, r[0.5] of float32; "-"
 * none Attributes are separated by blanks: integers, [integers], reals (with a point), [reals],
 * strings. Outputs are written like operands; with content they must be folded to it. "!text"
 * instead: the error's message must contain the text.
 */
#ifndef KERF_TESTS_SHAPE_CASE_H
#define KERF_TESTS_SHAPE_CASE_H

#include "model/ir.h"

typedef struct shape_case {
    const char *type; /* "domain::Type" outside the default domain */
    int opset;
    const char *operands, *attributes, *outputs;
    int64_t macs;    /* -1: any */
    const char *cls; /* NULL: any */
} shape_case;

/* Builds the graph of one node, infers it, and checks. */
void shape_check(const shape_case *c);
void shape_check_all(const shape_case *cases, size_t n);

/* The parts, for tests that need a graph of several nodes. Any failure ends the test. */
ir_graph *shape_graph(int opset);
size_t shape_value(ir_graph *graph, const char *name, const char *text); /* data are inputs */
size_t shape_result(ir_graph *graph, const char *name);                  /* made by a node */
/* Operands and results by name, separated by blanks; "-" is an omitted one. Results are added. */
ir_node *shape_node(ir_graph *graph, const char *type, const char *operands, const char *results,
                    const char *attributes);
ir_value *shape_find(ir_graph *graph, const char *name);
/* A nested graph becomes an attribute of the node. */
void shape_body(ir_graph *graph, size_t node, const char *attribute, ir_graph *body);
void shape_capture(ir_graph *body, ir_graph *outer, const char *name);
/* Asserts a value's type, shape and content. */
void shape_expect(const ir_value *value, const char *text, const char *context);
/* ir_infer must succeed, or fail with this text in the message. */
void shape_infer(ir_graph *graph, const char *error);

#endif
