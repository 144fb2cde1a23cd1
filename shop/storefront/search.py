"""The search page, and what the search field suggests while somebody types."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from shop.catalog.models import Category, Product
from shop.catalog.search import search, suggest
from shop.storefront.catalog import listing

LONGEST_QUERY = 100


@require_safe
def results(request: HttpRequest) -> HttpResponse:
    query = _query(request)
    roots = list(Category.objects.filter(depth=1))
    products = search(query, Product.objects.visible())
    return listing(
        request, "storefront/search.html", products, roots, ranked=True, query=query, sections=roots
    )


@require_safe
def suggestions(request: HttpRequest) -> JsonResponse:
    found = [{"label": one.label, "note": one.note, "url": one.url} for one in suggest(_query(request))]
    return JsonResponse({"suggestions": found})


def _query(request: HttpRequest) -> str:
    return " ".join(request.GET.get("q", "").replace("\0", " ").split())[:LONGEST_QUERY]
