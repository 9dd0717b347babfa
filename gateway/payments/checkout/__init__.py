"""The citizen's pages: choose how to pay, scan or go, the result, the confirmation.

Owns what a citizen sees and posts; leaves what happens to the services of payments. ``door`` finds
the payment behind a link, ``values`` and ``result_values`` turn it into views, ``views`` and
``result_view`` draw them. Follows the pages guide, sections 5.1 to 5.4.
"""
