/* From a question (network, device, server, link) to the numbers that solvers work on. */
#ifndef KERF_PLANNER_BIND_H
#define KERF_PLANNER_BIND_H

#include "planner/problem.h"

/* A cut problem and how its operators and tensors are called in the network. Constant operators
 * are not part of the problem. */
typedef struct cut_binding {
    cut_problem problem;
    const kerf_question *question;
    const kerf_power_mode *device_mode, *server_mode;
    kerf_pricer *device, *server;
    size_t *operator_of; /* problem operator -> network operator */
    size_t *index_of;    /* network operator -> problem operator, KERF_NONE for constant ones */
    size_t *tensor_of;   /* problem tensor -> network tensor */
    /* what problem's pointers point to */
    cut_group *groups;
    cut_tensor *tensors;
    cut_weight *weights;
    cut_buffer *buffers;
    cut_cost *tables;
    cut_bundle *bundles;
    size_t *bundle_pool; /* their operators */
    size_t bundle_used;
    uint8_t *pin;
    size_t *pool; /* operator lists */
    size_t pool_used, pool_size;
    double input_total; /* cut_input_total of the question */
} cut_binding;

/* Checks the question, which leaves no encoding and no variant to choose, and builds its problem,
 * in the given power mode of the device. The binding borrows the question. KERF_E_INVALID,
 * KERF_E_UNRESOLVED, KERF_E_INFEASIBLE (pins that clash, operators that neither side supports),
 * KERF_E_NOMEM. */
kerf_status cut_bind(const kerf_question *question, size_t device_mode, cut_binding *binding,
                     kerf_error *err);
void cut_binding_clear(cut_binding *binding);

/* The device's power mode that the question names (its default where it names none).
 * KERF_E_INVALID: there is no such mode; the message lists those there are. */
kerf_status cut_find_mode(const kerf_question *question, size_t *mode, kerf_error *err);

/* How the question, which leaves no choice of it, sends tensors. */
kerf_encoding cut_encoding(const kerf_question *question);

/* Wire bytes of a tensor of the question's network, network inputs included; and what an encoding
 * makes of a tensor that is no network input. */
double cut_wire_bytes(const kerf_question *question, size_t tensor);

/* The same for many tensors: what all network inputs have together is summed up once. */
double cut_input_total(const kerf_question *question);
double cut_wire_share(const kerf_question *question, size_t tensor, double input_total);
double cut_encoded_bytes(const kerf_tensor *tensor, const kerf_encoding *encoding);

/* True if the encoding leaves the tensor as it is, so that nothing is packed or unpacked. */
bool cut_sent_as_is(const kerf_tensor *tensor, const kerf_encoding *encoding);

/* Power drawn on the device side while it waits for an offload: board and radio, idle. */
double cut_wait_W(const kerf_question *question, const kerf_power_mode *mode);

#endif
