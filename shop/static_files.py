"""Static files named after their content, so that browsers may keep them for good: also modules that modules import."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):
    """A page and the shared worker it finds must be of one deploy; imports by a plain name could mix two."""

    support_js_module_import_aggregation = True
