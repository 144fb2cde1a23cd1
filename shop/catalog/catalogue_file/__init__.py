"""The catalogue as one CSV file, in and out, so that a whole shop can be kept in a spreadsheet.

One row is one variant. `product` (the slug) and `sku` stand on every row; the other columns of a product
are written on its first row and may be left empty, or be repeated, on the following ones. A column that is
missing leaves what the shop has; an empty cell clears it. docs/catalogue.md lists the columns.

`reading` turns bytes into rows and finds what is wrong with them, `loading` writes rows to the database,
`exporting` makes the same file again. None of them knows of stock: the shop's inventory takes the counts.
"""
