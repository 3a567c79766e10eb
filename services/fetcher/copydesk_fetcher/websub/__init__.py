"""WebSub, the subscriber's side: hubs push what is new in a feed, and polling goes on as the fallback.

W3C Recommendation of 23 January 2018: https://www.w3.org/TR/websub/
"""
