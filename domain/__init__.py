"""The words of Preceptor: records, ports, settings, codecs, errors.  Standard library and msgspec only."""
