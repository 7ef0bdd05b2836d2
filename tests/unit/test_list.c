/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "tests/lib/test.h"

struct item {
	int value;
	struct list link;
};

/* The values as one decimal number: 1, 2, 3 is 123. Walks backwards as well. */
static int spell(const struct list *head)
{
	int forwards = 0, backwards = 0, unit = 1;

	list_each (it, head)
		forwards = forwards * 10 + container_of(it, struct item, link)->value;
	for (const struct list *it = head->prev; it != head; it = it->prev, unit *= 10)
		backwards += unit * container_of(it, struct item, link)->value;
	assert_int_equal(forwards, backwards);
	return forwards;
}

TEST(a_new_list_is_empty)
{
	struct list head;

	list_init(&head);
	assert_true(list_is_empty(&head));
	assert_null(list_first(&head));
	assert_int_equal(spell(&head), 0);
}

TEST(append_adds_at_the_end_and_prepend_at_the_front)
{
	struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };
	struct list head;

	list_init(&head);
	list_append(&head, &b.link);
	list_append(&head, &c.link);
	list_prepend(&head, &a.link);
	assert_int_equal(spell(&head), 123);
	assert_false(list_is_empty(&head));
	assert_ptr_equal(list_first(&head), &a.link);
}

TEST(remove_takes_out_the_one_that_is_meant)
{
	struct item a = { .value = 1 }, b = { .value = 2 }, c = { .value = 3 };
	struct list head;

	list_init(&head);
	list_append(&head, &a.link);
	list_append(&head, &b.link);
	list_append(&head, &c.link);
	list_remove(&b.link);
	assert_int_equal(spell(&head), 13);
	list_remove(&a.link);
	list_remove(&c.link);
	assert_true(list_is_empty(&head));
}

TEST(a_node_may_be_removed_twice_and_then_belongs_to_nobody)
{
	struct item a = { .value = 1 }, b = { .value = 2 };
	struct list head;

	list_init(&head);
	list_append(&head, &a.link);
	list_append(&head, &b.link);
	list_remove(&a.link);
	list_remove(&a.link);
	assert_true(list_is_empty(&a.link));
	assert_int_equal(spell(&head), 2);
	list_append(&head, &a.link);
	assert_int_equal(spell(&head), 21);
}

TEST(the_body_of_a_walk_may_remove_the_node_it_is_at)
{
	struct item items[5];
	struct list head;

	list_init(&head);
	for (int i = 0; i < 5; i++) {
		items[i].value = i + 1;
		list_append(&head, &items[i].link);
	}
	list_each (it, &head)
		if (container_of(it, struct item, link)->value % 2)
			list_remove(it);
	assert_int_equal(spell(&head), 24);
}
