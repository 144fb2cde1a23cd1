"""Browsing: the front page, lists of prints, a print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop.catalog.facets import Facets
from shop.catalog.listing import FEATURED, SORTS, with_pictures
from shop.catalog.models import Category, Product, ProductQuerySet
from shop.storefront.cards import follow
from shop.storefront.keeping import kept

PER_PAGE = 24


@require_safe
@kept
def home(request: HttpRequest) -> HttpResponse:
    prints = Product.objects.visible().hung()
    featured = list(prints.order_by(*FEATURED)[:4])
    others = prints.exclude(pk__in=[product.pk for product in featured])
    newest = list(others.order_by("-visible_from", "-id")[:8])
    follow([*featured, *newest])
    series = with_pictures(Category.objects.filter(numchild=0))
    context = {"featured": featured, "newest": newest, "series": series}
    return render(request, "storefront/home.html", context)


@require_safe
@kept
def product_list(request: HttpRequest) -> HttpResponse:
    tree = list(Category.objects.all())
    roots = [category for category in tree if category.is_root()]
    return listing(request, "storefront/product_list.html", Product.objects.visible(), roots, sections=roots)


@require_safe
@kept
def category(request: HttpRequest, slug: str) -> HttpResponse:
    tree = list(Category.objects.all())
    current = next((one for one in tree if one.slug == slug), None)
    if current is None:
        raise Http404
    context = {
        "category": current,
        "ancestors": [one for one in tree if current.is_descendant_of(one)],
        "sections": [one for one in tree if one.is_root()],
        "current_section": next(one for one in tree if current.path.startswith(one.path)),
    }
    children = [one for one in tree if one.is_child_of(current)]
    products = Product.objects.visible().in_category(current)
    return listing(request, "storefront/category.html", products, children, **context)


def listing(
    request: HttpRequest,
    template: str,
    products: ProductQuerySet,
    categories: Sequence[Category],
    *,
    ranked: bool = False,
    **context: Any,
) -> HttpResponse:
    """A page of products that can be narrowed, sorted and turned. `ranked` ones come in an order of their own."""
    facets = Facets(products, categories)
    selection = facets.read(request.GET)
    total, counted = facets.count(selection)
    sorts = {"": ("Best match", ()), **SORTS} if ranked else SORTS
    sort = request.GET.get("sort", "")
    sort = sort if sort in sorts else next(iter(sorts))
    found = facets.narrow(selection).hung()
    paginator = Paginator(found.order_by(*sorts[sort][1]) if sorts[sort][1] else found, PER_PAGE)
    paginator.count = total  # type: ignore[misc]  # counted with the facets
    page = paginator.get_page(request.GET.get("page"))
    page.object_list = list(page.object_list)
    follow(page.object_list)
    context |= {
        "page": page,
        "pages": paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "total": total,
        "facets": counted,
        "selection": selection,
        "sorts": [(code, label) for code, (label, _) in sorts.items()],
        "sort": sort,
    }
    return render(request, template, context)
