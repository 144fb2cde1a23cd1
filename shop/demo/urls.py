from django.urls import path

from shop.demo import views

app_name = "demo"
urlpatterns = [
    path("demo/", views.welcome, name="welcome"),
    path("demo/mail/", views.mail_list, name="mail"),
    path("demo/mail/<slug:name>/", views.mail_detail, name="message"),
    path("demo/mail/<slug:name>/html/", views.mail_html, name="message_html"),
    path("demo/mail/<slug:name>/files/<int:number>/", views.mail_file, name="message_file"),
]
