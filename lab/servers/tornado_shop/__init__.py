"""This shop's products, checkout, payment and sockets served by Tornado and asyncpg: what Django is measured against.

As a Tornado engineer would write it: SQL by hand with as few round trips as the work needs, one pool, one HTTP client,
one process. The database, its rows, the paths and the bytes of the answers are those of `shop/api`; tests/lab keeps the
two alike. What is a rule and no framework's work (what a cart comes to, how an address is written, the form of a token)
is the shop's own function on both sides; what Django, its ORM or REST framework would do is written here.

Not here, and refused with `not_served`: search and facets, coupons, gift cards, VAT ids, carriers' quotes, places in a
waiting room, kept addresses, and all that follows a payment. That is the shop's own process on the same database.
"""
