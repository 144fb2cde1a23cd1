"""The catalogue: lists that can be narrowed, searched and sorted, a product, and what stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from notifications.log import position
from shop.api.members import MembersQuery, names
from shop.api.paging import Cursor
from shop.api.product_shapes import (
    PLAIN,
    ProductCardSerializer,
    ProductDetailSerializer,
    ProductSerializer,
    fill,
)
from shop.api.refusals import NotFound
from shop.api.selecting import SelectionQuery, select
from shop.api.serving import RenderedMixin
from shop.api.shapes import PageSerializer, stream
from shop.api.sync import changed_since, epoch, gone_since, read_token, token_of
from shop.api.views import ApiViewSet
from shop.catalog.changes import EVERYTHING, last_place
from shop.catalog.listing import SORTS, related
from shop.catalog.models import Product, ProductQuerySet


class CardQuery(MembersQuery):
    plain = PLAIN

    fields = names(PLAIN, "Only these members of each product.")  # type: ignore[assignment]
    include = names(ProductSerializer.INCLUDES, "These as well, which a list otherwise leaves out.")


class ProductQuery(SelectionQuery, CardQuery):
    elsewhere = ("limit", "cursor")

    sort = serializers.ChoiceField(
        list(SORTS), required=False, help_text="Without it: featured first, or with `q` the best match."
    )
    changed_since = serializers.CharField(
        required=False,
        max_length=200,
        help_text="The `sync` of an earlier answer: only what changed since, and in `gone` what went.",
    )
    as_of = serializers.CharField(
        required=False, max_length=200, help_text="Of `next` and `previous`: all pages have the same `sync`."
    )


class ProductPageSerializer(PageSerializer):
    results = ProductCardSerializer(many=True)
    sync = serializers.CharField(help_text="To be kept with a copy, and given as `changed_since` next time.")
    gone = serializers.ListField(
        child=serializers.SlugField(),
        help_text="With `changed_since`: what is to be taken out of the copy, if it is there. On every page the same.",
    )


class ProductViewSet(RenderedMixin, mixins.ListModelMixin, ApiViewSet):
    lookup_field = "slug"
    serializer_class = ProductCardSerializer
    queryset = Product.objects.none()

    @extend_schema(
        operation_id="products_list", parameters=[ProductQuery], responses={200: ProductPageSerializer}
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Products that can be bought now, narrowed, searched and sorted as asked."""
        query = ProductQuery.read(request)
        members = ProductQuery.members(query)
        # Read before the rows, so that what changes meanwhile is told the next time.
        log = epoch()
        place = read_token("as_of", query["as_of"], log) if "as_of" in query else last_place()
        since = read_token("changed_since", query["changed_since"], log) if "changed_since" in query else None
        found = self._found(query) if since is None else changed_since(self._found(query), since)
        page = self.paginate_queryset(found)
        assert isinstance(self.paginator, Cursor)
        token = token_of(place, log)
        self.paginator.base_url = replace_query_param(request.build_absolute_uri(), "as_of", token)
        # Before the rows are filled, which reads their prices once more.
        links = {"next": self.paginator.get_next_link(), "previous": self.paginator.get_previous_link()}
        gone = gone_since(found, since) if since else []
        cards = self._cards(page or [], members)
        return Response({**links, "results": cards, "sync": token, "gone": gone})

    @extend_schema(operation_id="products_retrieve", responses={200: ProductDetailSerializer})
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A product with its variants, pictures, facts, and where to follow it live from what this shows."""
        name = f"product:{kwargs['slug']}"
        here = position(name)
        product: Any = self._product()
        fill([product], ProductSerializer.Meta.fields)
        product.guarding = [drop for drop in product.drops.all() if not drop.is_over]
        product.stream = stream(name, here)
        return Response(ProductDetailSerializer(product, context=self.get_serializer_context()).data)

    @extend_schema(
        operation_id="products_related",
        parameters=[CardQuery],
        responses={200: ProductCardSerializer(many=True)},
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def related(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Up to four others of its series."""
        members = CardQuery.members(CardQuery.read(request))
        others = related(self._product()).select_related("category").prefetch_related(None)
        return Response(self._cards(list(others), members))

    def shows(self) -> str:
        return self.kwargs["slug"] if self.action == "retrieve" else EVERYTHING

    def _found(self, query: dict[str, Any]) -> ProductQuerySet:
        asked = select(query)
        products = asked.facets.narrow(asked.selection).hung().select_related("category")
        if "sort" in query or not asked.ranked:
            products = products.order_by(*SORTS[query.get("sort", "featured")][1])
        return products.prefetch_related(None)

    def _cards(self, products: Sequence[Product], members: frozenset[str]) -> Any:
        fill(products, members)
        context = {**self.get_serializer_context(), "members": members}
        return ProductCardSerializer(products, many=True, context=context).data

    def _product(self) -> Product:
        """Raises NotFound."""
        found = Product.objects.visible().hung().filter(slug=self.kwargs["slug"]).select_related("category")
        product = found.prefetch_related(None).prefetch_related("drops").first()
        if product is None:
            raise NotFound
        return product
