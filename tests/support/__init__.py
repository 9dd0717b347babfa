"""Servers, builders and receivers that tests share."""
