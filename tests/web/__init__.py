"""The traveller site."""
